package config

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/config/crd"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// definition is what the API server makes of one CustomResourceDefinition.
type definition struct {
	structural *structuralschema.Structural
	schema     validation.SchemaCreateValidator
	rules      *cel.Validator
}

// definitions are compiled once a process, by kind.
var definitions = sync.OnceValues(func() (map[string]*definition, error) {
	files, err := fs.Glob(crd.Files, "*.yaml")
	if err != nil {
		return nil, err
	}
	byKind := map[string]*definition{}
	for _, file := range files {
		data, err := fs.ReadFile(crd.Files, file)
		if err != nil {
			return nil, err
		}
		var resource apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(data, &resource); err != nil {
			return nil, fmt.Errorf("decoding the schema in %s: %w", file, err)
		}
		for _, version := range resource.Spec.Versions {
			if version.Name != v1alpha1.GroupVersion.Version {
				continue
			}
			if byKind[resource.Spec.Names.Kind], err = compile(version.Schema); err != nil {
				return nil, fmt.Errorf("compiling the schema in %s: %w", file, err)
			}
		}
	}
	return byKind, nil
})

func compile(in *apiextensionsv1.CustomResourceValidation) (*definition, error) {
	var schema apiextensions.CustomResourceValidation
	if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(in, &schema, nil); err != nil {
		return nil, err
	}
	structural, err := structuralschema.NewStructural(schema.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	validator, _, err := validation.NewSchemaValidator(schema.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	return &definition{
		structural: structural,
		schema:     validator,
		rules:      cel.NewValidator(structural, true, celconfig.PerCallLimit),
	}, nil
}

// check treats an object as the API server does one that is created: defaults
// are filled in, status is dropped, and what would be refused is returned.
func check(kind string, object map[string]any) (complaints []string, err error) {
	byKind, err := definitions()
	if err != nil {
		return nil, err
	}
	d, ok := byKind[kind]
	if !ok {
		return nil, fmt.Errorf("there is no schema of %s", kind)
	}

	unknown := pruning.PruneWithOptions(object, d.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range unknown {
		complaints = append(complaints, unknownField(path, fieldsBeside(path, d.structural)))
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, d.structural)
	defaulting.Default(object, d.structural)
	delete(object, "status")

	complaints = append(complaints, checkMetadata(object, false)...)
	for _, err := range d.validate(object) {
		complaints = append(complaints, describe(err))
	}
	return complaints, nil
}

// validate returns what schema and rules refuse. The API server leaves the
// rules out when the schema refuses; here they run, so that all problems are
// told at once, and those that don't get to a result are left out. So is that
// a value of the wrong type isn't in an enumeration.
func (d *definition) validate(object map[string]any) field.ErrorList {
	errs := validation.ValidateCustomResource(nil, object, d.schema)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, d.structural, object)...)
	broken := len(errs) > 0
	rules, _ := d.rules.Validate(context.Background(), nil, d.structural, object, nil, celconfig.RuntimeCELCostBudget)
	for _, err := range rules {
		if broken && strings.Contains(err.Detail, "evaluating rule") {
			continue
		}
		errs = append(errs, err)
	}
	slices.SortStableFunc(errs, func(a, b *field.Error) int { return cmp.Compare(a.Field, b.Field) })
	return slices.DeleteFunc(errs, func(err *field.Error) bool {
		return err.Type == field.ErrorTypeNotSupported && slices.ContainsFunc(errs, func(other *field.Error) bool {
			return other.Type == field.ErrorTypeTypeInvalid && other.Field == err.Field
		})
	})
}

// checkSelector finds what the schema can't: labels that no object can have.
func checkSelector(selector *metav1.LabelSelector) string {
	if _, err := metav1.LabelSelectorAsSelector(selector); err != nil {
		return "spec.match.namespaceSelector: " + err.Error()
	}
	return ""
}
