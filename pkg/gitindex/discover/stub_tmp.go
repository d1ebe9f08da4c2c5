package discover

import (
	"context"

	"k8s.io/apimachinery/pkg/labels"
)

const ArgoCDSecretType = "argocd.argoproj.io/secret-type"

type ArgoCDRepository struct{ Secret, URL string }

func NewArgoCDRepository(name string, labels map[string]string, data map[string][]byte) ArgoCDRepository {
	return ArgoCDRepository{}
}

type ArgoCD struct {
	Namespace    string
	Selector     labels.Selector
	Destinations []string
}

func (ArgoCD) Find(context.Context, Cluster) Found { return Found{} }

type Flux struct{ Selector labels.Selector }

func (Flux) Find(context.Context, Cluster) Found { return Found{} }
