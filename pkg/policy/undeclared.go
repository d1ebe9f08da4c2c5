package policy

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/labels"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// undeclared decides for an object that Git is silent about.
func (c *decision) undeclared(g *Guard, actor Actor) Verdict {
	if v, ok := c.holder(g); ok {
		return v
	}
	if v, ok := c.lever(g, actor); ok {
		return v
	}
	if v, ok := c.derived(g, actor); ok {
		return v
	}
	if objectAction(g, actor) == v1alpha1.Deny {
		return Verdict{Reason: UndeclaredObjectChanged}
	}
	return Verdict{Outcome: Allow, Reason: UndeclaredObjectChanged}
}

// holder decides for a Namespace or a definition whose end would be the end of
// declared objects; ok is false if this is none of it.
func (c *decision) holder(g *Guard) (v Verdict, ok bool) {
	switch {
	case !c.holdsDeclared():
	case isDefinition(c.req.Key):
		v.Reason = KindHoldsDeclared
	case c.operation == Update && c.leaves(g):
		return Verdict{Reason: NamespaceLeavesPolicy}, true
	default:
		v.Reason = NamespaceHoldsDeclared
	}
	if v.Reason == "" || c.operation != Delete {
		return Verdict{}, false
	}
	if c.beingDeleted() {
		return Verdict{Outcome: Allow, Reason: BeingDeleted}, true
	}
	return v, true
}

// holdsDeclared reports whether the object is a Namespace in which Git declares
// something, or the definition of what it declares.
func (c *decision) holdsDeclared() bool {
	return isNamespace(c.req.Key) && c.snap.InNamespace(c.req.Key.Name) > 0 || isDefinition(c.req.Key) && c.defines() > 0
}

// leaves reports whether a Namespace gets labels that the guard doesn't select,
// and had such that it does.
func (c *decision) leaves(g *Guard) bool {
	sets := c.namespaceLabels(g)
	return len(sets) == 2 && g.namespaces.Matches(labels.Set(sets[0])) && !g.namespaces.Matches(labels.Set(sets[1]))
}

func isDefinition(key gitindex.Key) bool {
	return key.Group == "apiextensions.k8s.io" && key.Kind == "CustomResourceDefinition"
}

// defines is how many declared objects the definition is of.
func (c *decision) defines() int {
	var object struct {
		Spec struct {
			Group string `json:"group"`
			Names struct {
				Kind string `json:"kind"`
			} `json:"names"`
		} `json:"spec"`
	}
	if json.Unmarshal(c.req.OldObject, &object) != nil {
		return 0
	}
	return c.snap.OfKind(object.Spec.Group, object.Spec.Names.Kind)
}

func objectAction(g *Guard, actor Actor) v1alpha1.Action {
	if actor == ServiceAccount {
		return g.objects.ServiceAccounts
	}
	return g.objects.People
}
