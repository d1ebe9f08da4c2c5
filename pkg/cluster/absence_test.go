package cluster

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

func TestAnAgentThatIsNotThereIsSaidToBeAbsent(t *testing.T) {
	argoCD := func(namespace string) v1alpha1.GitSourceSpec {
		return v1alpha1.GitSourceSpec{ArgoCD: &v1alpha1.ArgoCD{Namespace: namespace}}
	}
	flux := func(namespace string) v1alpha1.GitSourceSpec {
		return v1alpha1.GitSourceSpec{Flux: &v1alpha1.Flux{Namespace: namespace}}
	}
	forbidden := errors.New("secrets is forbidden")
	for name, test := range map[string]struct {
		spec   v1alpha1.GitSourceSpec
		served []kschema.GroupKind
		err    error
		want   string // empty if it seems to be there
	}{
		"neither kinds nor a namespace":          {spec: argoCD("nowhere"), err: forbidden, want: "Argo CD is not in this cluster yet: it serves none of Argo CD's kinds, and has no namespace nowhere"},
		"no kinds":                               {spec: flux("there"), want: "Flux is not in this cluster yet: it serves none of Flux's kinds"},
		"no kinds, and nothing that it may read": {spec: argoCD("there"), err: forbidden, want: "Argo CD is not in this cluster yet: it serves none of Argo CD's kinds (secrets is forbidden)"},
		"another agent's kinds":                  {spec: flux("there"), served: argoCDKinds, want: "Flux is not in this cluster yet: it serves none of Flux's kinds"},
		"no namespace":                           {spec: argoCD("nowhere"), served: argoCDKinds, err: forbidden, want: "there is no namespace nowhere for Argo CD to be in: create it, or correct spec.argoCD.namespace"},
		"no namespace of Flux":                   {spec: flux("nowhere"), served: fluxKinds, want: "there is no namespace nowhere for Flux to be in: create it, or correct spec.flux.namespace"},
		"one of its kinds":                       {spec: flux("there"), served: fluxKinds[3:4]},
		"all, and nothing that it may read":      {spec: argoCD("there"), served: argoCDKinds, err: forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			reader := fake.NewClientBuilder().WithObjects(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "there"}}).Build()
			a := newAgentObjects(nil, nil, reader, func() {})
			for _, kind := range test.served {
				a.watches[kind] = newKindWatch(kind, "", a.changed)
				a.watches[kind].served.Store(true)
			}
			kinds := fluxKinds
			if test.spec.ArgoCD != nil {
				kinds = argoCDKinds
			}
			got := ""
			if err := a.absence(t.Context(), &v1alpha1.GitSource{Spec: test.spec}, kinds, test.err); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("it says %q, want %q", got, test.want)
			}
		})
	}
}
