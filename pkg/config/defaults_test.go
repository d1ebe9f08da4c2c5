package config

import (
	"reflect"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apimachinery/pkg/runtime"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// defaulter is a kind with defaults in Go.
type defaulter interface {
	*v1alpha1.GitSource | *v1alpha1.GuardPolicy
	SetDefaults()
}

func TestDefaultsInGoAreThoseOfTheSchema(t *testing.T) {
	t.Run("of a policy that leaves out everything", sameDefaults(v1alpha1.GuardPolicyKind, &v1alpha1.GuardPolicy{}))
	t.Run("of a policy that leaves out parts", sameDefaults(v1alpha1.GuardPolicyKind, &v1alpha1.GuardPolicy{
		Spec: v1alpha1.GuardPolicySpec{
			Match: v1alpha1.Match{
				ExcludeNamespaces: []string{},
				Resources:         []v1alpha1.Resource{{Kinds: []string{"Deployment"}}, {APIGroups: []string{""}}},
			},
			Agents:            v1alpha1.Agents{Subjects: []v1alpha1.Subject{{Kind: v1alpha1.SubjectUser, Name: "robot"}}},
			SystemActors:      &v1alpha1.SystemActors{},
			UndeclaredFields:  v1alpha1.UndeclaredFields{ServiceAccounts: v1alpha1.Deny},
			UndeclaredObjects: v1alpha1.UndeclaredObjects{People: v1alpha1.Deny},
			DerivedObjects:    v1alpha1.DerivedObjects{Update: v1alpha1.Allow},
			IgnoreFields:      []v1alpha1.IgnoredFields{{Resource: v1alpha1.Resource{Kinds: []string{"Deployment"}}, Paths: []string{"spec.replicas"}}},
		},
	}))
	t.Run("of a source that leaves out everything", sameDefaults(v1alpha1.GitSourceKind, &v1alpha1.GitSource{}))
	t.Run("of a source with paths", sameDefaults(v1alpha1.GitSourceKind, &v1alpha1.GitSource{
		Spec: v1alpha1.GitSourceSpec{Git: &v1alpha1.Git{
			URL:    "git@host:infra",
			Verify: &v1alpha1.Verify{SecretRef: v1alpha1.SecretReference{Name: "keys"}},
			Paths:  []v1alpha1.Path{{Path: "a"}, {Path: "a", Namespace: "b", Render: v1alpha1.FormatPlain}},
		}},
	}))
}

// sameDefaults fills in the defaults of an object in both ways.
func sameDefaults[T defaulter](kind string, object T) func(*testing.T) {
	return func(t *testing.T) {
		byKind, err := definitions()
		if err != nil {
			t.Fatal(err)
		}
		schema, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		if err != nil {
			t.Fatal(err)
		}
		defaulting.PruneNonNullableNullsWithoutDefaults(schema, byKind[kind].structural)
		defaulting.Default(schema, byKind[kind].structural)

		decoded := reflect.New(reflect.TypeOf(object).Elem()).Interface()
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(schema, decoded); err != nil {
			t.Fatal(err)
		}
		object.SetDefaults()
		if !reflect.DeepEqual(any(object), decoded) {
			t.Errorf("SetDefaults gives\n%+v\nthe schema gives\n%+v", object, decoded)
		}
	}
}
