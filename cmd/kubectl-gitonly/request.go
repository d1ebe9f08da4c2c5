package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// readReview reads an AdmissionReview such as the API server sends. What the API
// server always says must be there: the answer would be about another request.
func readReview(file string, stdin io.Reader) (*admissionv1.AdmissionReview, error) {
	var text []byte
	var err error
	where := file
	if file == "-" {
		where = "standard input"
		text, err = io.ReadAll(stdin)
	} else {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the AdmissionReview: %w", err)
	}
	var review admissionv1.AdmissionReview
	if err := yaml.UnmarshalStrict(text, &review); err != nil {
		return nil, fmt.Errorf("reading the AdmissionReview in %s: %w", where, err)
	}
	if review.Kind != "AdmissionReview" || review.APIVersion != admissionv1.SchemeGroupVersion.String() {
		return nil, fmt.Errorf("%s holds %q of %q, not an AdmissionReview of %s", where, review.Kind, review.APIVersion, admissionv1.SchemeGroupVersion)
	}
	if review.Request == nil {
		return nil, fmt.Errorf("the AdmissionReview in %s has no request", where)
	}
	if err := complete(review.Request); err != nil {
		return nil, fmt.Errorf("the AdmissionReview in %s can't be one of the API server's:\n%w", where, err)
	}
	return &review, nil
}

// complete finds what is missing in a request; nil if nothing is.
func complete(r *admissionv1.AdmissionRequest) error {
	var problems []error
	must := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	before, after := r.OldObject.Raw != nil, r.Object.Raw != nil
	switch r.Operation {
	case admissionv1.Create:
		must(after, "request.object is missing: what is created")
	case admissionv1.Update:
		must(before, "request.oldObject is missing: the object before")
		must(after, "request.object is missing: the object after")
	case admissionv1.Delete:
		must(before, "request.oldObject is missing: what is deleted")
	case admissionv1.Connect:
	case "PATCH":
		must(false, "request.operation is PATCH: to admission that is an UPDATE, with the whole object in object")
	default:
		must(false, "request.operation is %q: it is CREATE, UPDATE, DELETE or CONNECT", r.Operation)
	}
	must(r.Kind.Version != "" && r.Kind.Kind != "", "request.kind is missing: {group, version, kind} of the object")
	must(r.Resource.Version != "" && r.Resource.Resource != "", "request.resource is missing: {group, version, resource}, such as {group: apps, version: v1, resource: deployments}")
	must(r.UserInfo.Username != "", "request.userInfo.username is missing: who asks")
	named := metadata(r.Object.Raw)
	if named.Name == "" && named.GenerateName == "" {
		named = metadata(r.OldObject.Raw)
	}
	must(r.Name != "" || named.Name != "" || named.GenerateName != "", "request.name is missing")
	must(r.Namespace != "" || named.Namespace == "", "request.namespace is missing: the object is in %s", named.Namespace)
	return errors.Join(problems...)
}

func metadata(object []byte) metav1.ObjectMeta {
	var m metav1.PartialObjectMetadata
	if len(object) > 0 {
		_ = json.Unmarshal(object, &m) // an object without metadata has no name
	}
	return m.ObjectMeta
}
