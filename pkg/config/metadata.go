package config

import (
	"regexp"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkMetadata returns what the API server would refuse of an object's
// metadata. A name is required: nothing generates one here.
func checkMetadata(object map[string]any, namespaced bool) []string {
	metadata, _, unknown, err := objectmeta.GetObjectMetaWithOptions(object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return []string{describeMetadata(err)}
	}
	var complaints []string
	for _, path := range unknown {
		complaints = append(complaints, unknownField(path, []string{"name", "labels", "annotations", "finalizers"}))
	}
	if metadata == nil || metadata.Name == "" {
		return append(complaints, "metadata.name: is required")
	}
	if namespaced && metadata.Namespace == "" {
		metadata.Namespace = "default"
	}
	for _, err := range validation.ValidateObjectMeta(metadata, namespaced, validation.NameIsDNSSubdomain, field.NewPath("metadata")) {
		complaints = append(complaints, describe(err))
	}
	return complaints
}

var (
	mistypedMetadata = regexp.MustCompile(`cannot unmarshal (\w+) into Go value of type v1\.ObjectMeta$`)
	mistypedField    = regexp.MustCompile(`cannot unmarshal (\w+) into Go struct field ObjectMeta\.(\S+) of type (string|bool|map|\[\])?`)
)

// describeMetadata says what a decoder doesn't like, without its Go types.
func describeMetadata(err error) string {
	complaint := err.Error()
	if m := mistypedMetadata.FindStringSubmatch(complaint); m != nil {
		return "metadata: " + mistyped("object", m[1])
	}
	if m := mistypedField.FindStringSubmatch(complaint); m != nil {
		must, ok := map[string]string{"string": "string", "bool": "boolean", "map": "object", "[]": "array"}[m[3]]
		if ok {
			return "metadata." + m[2] + ": " + mistyped(must, m[1])
		}
	}
	return "metadata: " + strings.TrimPrefix(complaint, "json: ")
}
