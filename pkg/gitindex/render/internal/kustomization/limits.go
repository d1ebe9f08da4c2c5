package kustomization

import "sigs.k8s.io/kustomize/api/types"

// Limits bound how much work a tree may make for Kustomize. What is taken in
// twice counts twice.
type Limits struct {
	Layers  int // kustomization files
	Objects int // documents of resource files, and generated objects
}

type weight struct{ layers, objects int }

// enough is more than any limit; sums stop there instead of overflowing.
const enough = 1 << 40

func (w *weight) add(other weight) {
	w.layers = min(enough, w.layers+other.layers)
	w.objects = min(enough, w.objects+other.objects)
}

// weigh relies on the weights of the layers it takes in.
func (l *Layer) weigh() weight {
	w := weight{layers: 1, objects: generated(l.Spec)}
	for _, parts := range [][]Part{l.Resources, l.Components, l.Generators, l.Transformers} {
		for _, part := range parts {
			if part.Layer != nil {
				w.add(part.Layer.holds)
			}
			w.objects += len(part.Documents)
		}
	}
	return w
}

func generated(spec *types.Kustomization) int {
	return len(spec.ConfigMapGenerator) + len(spec.SecretGenerator)
}

func (limits Limits) check(root *Layer) error {
	if root.holds.layers > limits.Layers {
		return faultf(root.File, 0, "it takes in more than %d kustomizations, counting each as often as it is named: split it into several locations", limits.Layers)
	}
	if root.holds.objects > limits.Objects {
		return faultf(root.File, 0, "it declares more than %d objects: split it into several locations", limits.Objects)
	}
	return nil
}
