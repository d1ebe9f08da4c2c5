package v1alpha1_test

import (
	"os/exec"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

func TestASchemeKnowsTheKinds(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for kind, object := range map[string]runtime.Object{
		v1alpha1.GitSourceKind:            &v1alpha1.GitSource{},
		v1alpha1.GitSourceKind + "List":   &v1alpha1.GitSourceList{},
		v1alpha1.GuardPolicyKind:          &v1alpha1.GuardPolicy{},
		v1alpha1.GuardPolicyKind + "List": &v1alpha1.GuardPolicyList{},
	} {
		kinds, _, err := scheme.ObjectKinds(object)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if want := v1alpha1.GroupVersion.WithKind(kind); kinds[0] != want {
			t.Errorf("got %v, want %v", kinds[0], want)
		}
	}
}

func TestThePackageNeedsNothingOfKubernetesButApimachinery(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for path := range strings.Lines(string(out)) {
		path = strings.TrimSpace(path)
		for _, heavy := range []string{"k8s.io/client-go", "k8s.io/api/", "k8s.io/apiserver", "k8s.io/apiextensions-apiserver", "sigs.k8s.io/controller-runtime"} {
			if strings.HasPrefix(path, heavy) {
				t.Errorf("imports %s", path)
			}
		}
	}
}
