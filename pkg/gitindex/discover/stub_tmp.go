package discover

import (
	"context"

	"k8s.io/apimachinery/pkg/labels"
)

type Flux struct{ Selector labels.Selector }

func (Flux) Find(context.Context, Cluster) Found { return Found{} }
