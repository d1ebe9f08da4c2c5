package admission_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kjson "k8s.io/apimachinery/pkg/util/json"

	"gitonly.dev/gitonly/e2e/sweep"
	"gitonly.dev/gitonly/pkg/policy"
)

// seed is a review of a person's write to what Git declares.
func seed(t testing.TB, operation admissionv1.Operation, subresource string, before, after []byte) []byte {
	t.Helper()
	body, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID:  "a-1",
			Kind: metav1.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, Resource: metav1.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"},
			Namespace: "staging", Name: "web", Operation: operation, SubResource: subresource,
			OldObject: runtime.RawExtension{Raw: before}, Object: runtime.RawExtension{Raw: after},
			Options: runtime.RawExtension{Raw: []byte(`{"fieldManager":"kubectl-edit"}`)},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// FuzzReview: any body gets an answer, nothing breaks, and no mistake of the
// sender's makes a way around Git.
func FuzzReview(f *testing.F) {
	const one, five = `{"metadata":{"name":"web"},"spec":{"replicas":1}}`, `{"metadata":{"name":"web","labels":{"a":"b"}},"spec":{"replicas":5}}`
	f.Add([]byte(`{}`))
	f.Add([]byte(`null`))
	for _, subresource := range []string{"", "status", "scale", "eviction", "exec", "resize", "unheard"} {
		for _, operation := range []admissionv1.Operation{"CREATE", "UPDATE", "DELETE", "CONNECT", ""} {
			f.Add(seed(f, operation, subresource, []byte(one), []byte(five)))
		}
	}
	objects, err := sweep.Objects()
	if err != nil {
		f.Fatal(err)
	}
	for _, object := range objects {
		encoded, err := json.Marshal(object)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed(f, admissionv1.Update, "", encoded, []byte(one)))
		f.Add(seed(f, admissionv1.Update, "", []byte(five), encoded))
	}
	fixture := newFixture(f, "{mode: Enforce, undecidable: Deny}")
	webhook := endpoint(f, fixture.handler, 10)
	f.Fuzz(func(t *testing.T, body []byte) {
		fixture.log, fixture.looks = nil, nil
		recorder := httptest.NewRecorder()
		request := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/validate", bytes.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		webhook.ServeHTTP(recorder, request)

		if recorder.Code == http.StatusBadRequest {
			return // then the registration's failurePolicy decides
		}
		var answer admissionv1.AdmissionReview
		if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil || answer.Response == nil {
			t.Fatalf("no answer: %d %s: %v", recorder.Code, recorder.Body, err)
		}
		for _, line := range fixture.log {
			if strings.Contains(line, "deciding broke") {
				t.Error(line)
			}
		}
		if !answer.Response.Allowed {
			return
		}
		var asked admissionv1.AdmissionReview
		if err := kjson.Unmarshal(body, &asked); err != nil || asked.Request == nil {
			t.Fatalf("what can't be read is allowed: %v", answer.Response)
		}
		if r := asked.Request; guarded(r) {
			reason := policy.Reason(answer.Response.AuditAnnotations["reason"])
			if !slices.Contains([]policy.Reason{policy.Unchanged, policy.Converging, policy.PassiveSubresource, policy.BeingDeleted}, reason) {
				t.Errorf("allowed: %v", answer.Response)
			}
			if r.Operation == admissionv1.Update && r.SubResource == "" && departs(r) {
				t.Errorf("a departure is allowed: %v", answer.Response)
			}
		}
	})
}

// guarded reports whether a person writes to the declared Deployment.
func guarded(r *admissionv1.AdmissionRequest) bool {
	return r.Kind.Group == "apps" && r.Kind.Kind == "Deployment" && r.Resource.Group == "apps" && r.Resource.Resource == "deployments" &&
		r.Namespace == "staging" && r.Name == "web" && !strings.HasPrefix(r.UserInfo.Username, "system:") && !slices.ContainsFunc(r.UserInfo.Groups, func(group string) bool {
		return strings.HasPrefix(group, "system:")
	})
}

// departs reports whether the replicas come to another number than Git's.
func departs(r *admissionv1.AdmissionRequest) bool {
	replicas := func(raw []byte) any {
		var object map[string]any
		if kjson.Unmarshal(raw, &object) != nil {
			return nil
		}
		spec, _ := object["spec"].(map[string]any)
		return spec["replicas"]
	}
	was, ok := replicas(r.OldObject.Raw).(int64)
	is, still := replicas(r.Object.Raw).(int64)
	return ok && still && was != is && is != 1
}
