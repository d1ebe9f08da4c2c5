package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SetDefaults fills in what the spec leaves out, as the API server does.
func (s *GitSource) SetDefaults() {
	if s.Spec.Interval.Duration == 0 {
		s.Spec.Interval = metav1.Duration{Duration: time.Minute}
	}
	if git := s.Spec.Git; git != nil {
		for i := range git.Paths {
			setDefault(&git.Paths[i].Render, FormatAuto)
		}
		if git.Verify != nil {
			setDefault(&git.Verify.Mode, VerifyHEAD)
		}
	}
	if flux := s.Spec.Flux; flux != nil {
		setDefault(&flux.Namespace, "flux-system")
	}
	if argo := s.Spec.ArgoCD; argo != nil {
		setDefault(&argo.Namespace, "argocd")
		if argo.Destinations == nil {
			argo.Destinations = []string{"https://kubernetes.default.svc", "in-cluster"}
		}
	}
}

// SetDefaults fills in what the spec leaves out, as the API server does.
func (p *GuardPolicy) SetDefaults() {
	spec := &p.Spec
	setDefault(&spec.Mode, ModeAudit)
	if spec.Agents.Discover == nil {
		spec.Agents.Discover = new(true)
	}
	setDefault(&spec.UndeclaredFields.People, Deny)
	setDefault(&spec.UndeclaredFields.ServiceAccounts, Allow)
	setDefault(&spec.UndeclaredObjects.People, Allow)
	setDefault(&spec.UndeclaredObjects.ServiceAccounts, Allow)
	setDefault(&spec.DerivedObjects.Update, Deny)
	setDefault(&spec.DerivedObjects.Delete, Allow)
	setDefault(&spec.Undecidable, Allow)
	spec.BreakGlass.setDefaults()
	for i := range spec.IgnoreFields {
		ignored := &spec.IgnoreFields[i]
		ignored.Resource.setDefaults()
		if ignored.Actors == nil {
			ignored.Actors = []IgnoredActor{IgnoredPerson, IgnoredServiceAccount}
		}
	}

	match := &spec.Match
	if match.ExcludeNamespaces == nil {
		match.ExcludeNamespaces = []string{"kube-system"}
	}
	if match.Resources == nil {
		match.Resources = []Resource{{}}
	}
	for i := range match.Resources {
		match.Resources[i].setDefaults()
	}
}

func (r *Resource) setDefaults() {
	if r.APIGroups == nil {
		r.APIGroups = []string{"*"}
	}
	if r.Kinds == nil {
		r.Kinds = []string{"*"}
	}
}

func setDefault[T ~string](field *T, value T) {
	if *field == "" {
		*field = value
	}
}

func setDuration(field **metav1.Duration, value time.Duration) {
	if *field == nil {
		*field = &metav1.Duration{Duration: value}
	}
}
