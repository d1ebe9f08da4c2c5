package workload

import (
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

// Case is a kind of request that benchmarks send.
type Case string

// The cases. All are updates of a Deployment's replicas.
const (
	Agent      Case = "agent"        // by the agent, of a declared one
	Undeclared Case = "not declared" // by a person, of one that Git doesn't declare
	Converging Case = "converging"   // by a person, back to what Git declares
	Refused    Case = "refused"      // by a person, away from it
)

// Cases are all of them.
var Cases = []Case{Agent, Undeclared, Converging, Refused}

// Replicas is how many Git declares of each Deployment.
const Replicas = 3

// Request is an AdmissionRequest of a case, of the named Deployment.
func Request(c Case, name string, size Size) *admissionv1.AdmissionRequest {
	user, was, is := "ann", Replicas, Replicas+2
	switch c {
	case Agent:
		user = AgentName
	case Undeclared:
		name += "-of-nobody"
	case Converging:
		was, is = is, was
	}
	return &admissionv1.AdmissionRequest{
		UID:       "5d3e7c1a-7b0f-4f43-9a66-0d4f2f8b9a11",
		Kind:      metav1.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"},
		Resource:  metav1.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"},
		Namespace: "staging", Name: name, Operation: admissionv1.Update,
		UserInfo:  authenticationv1.UserInfo{Username: user, Groups: []string{"developers", "system:authenticated"}},
		OldObject: runtime.RawExtension{Raw: encode(live(Deployment(name, was, size), "kubectl-edit"))},
		Object:    runtime.RawExtension{Raw: encode(live(Deployment(name, is, size), "kubectl-edit", "kubectl-scale"))},
		Options:   runtime.RawExtension{Raw: []byte(`{"kind":"UpdateOptions","apiVersion":"meta.k8s.io/v1","fieldManager":"kubectl-scale"}`)},
	}
}

// Review is the request as the API server sends it.
func Review(c Case, name string, size Size) []byte {
	return encode(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request:  Request(c, name, size),
	})
}

// Decision is what is decided of the same request.
func Decision(c Case, name string, size Size) policy.Request {
	r := Request(c, name, size)
	return policy.Request{
		Key:  gitindex.Key{Group: r.Kind.Group, Kind: r.Kind.Kind, Namespace: r.Namespace, Name: r.Name},
		Type: kschema.GroupVersionKind(r.Kind), Version: r.Resource.Version, Operation: policy.Operation(r.Operation),
		User: policy.User{Name: r.UserInfo.Username, Groups: r.UserInfo.Groups}, FieldManager: "kubectl-scale",
		Object: r.Object.Raw, OldObject: r.OldObject.Raw, At: time.Now(),
	}
}
