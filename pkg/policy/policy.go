package policy

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// Mode is what becomes of a refusal.
type Mode = v1alpha1.Mode

// Policy is all that decides: the guards, of which several may match a request,
// the types to compare by, and the agents that were discovered.
type Policy struct {
	Guards []Guard
	Types  *fields.Types
	Agents Agents

	// Self is gitonly's own user: nobody else writes the records of
	// emergencies. Empty where it is not known.
	Self string

	// Faults says where people learn what is wrong with a source, as in "the log
	// says why". Who is refused may not read it there, so it says whom to ask. It
	// may be empty.
	Faults string
}

// Guard is a GuardPolicy made ready for use.
type Guard struct {
	name       string
	mode       Mode
	namespaces labels.Selector
	excluded   []string
	resources  []v1alpha1.Resource
	agents     subjects
	discover   bool
	system     subjects
	fields     v1alpha1.UndeclaredFields
	objects    v1alpha1.UndeclaredObjects
	derived    v1alpha1.DerivedObjects
	ignores    []ignored

	undecidable v1alpha1.Action
	breakGlass  glassRules
}

// New makes a policy of GuardPolicies that have their defaults.
func New(policies []v1alpha1.GuardPolicy, types *fields.Types) (Policy, error) {
	p := Policy{Types: types}
	for i := range policies {
		g, err := NewGuard(&policies[i])
		if err != nil {
			return Policy{}, err
		}
		p.Guards = append(p.Guards, g)
	}
	return p, nil
}

// NewGuard makes a guard of a GuardPolicy that has its defaults. The error names
// the GuardPolicy and the field that can't be used.
func NewGuard(policy *v1alpha1.GuardPolicy) (Guard, error) {
	spec := &policy.Spec
	selector := labels.Everything()
	if s := spec.Match.NamespaceSelector; s != nil {
		var err error
		if selector, err = metav1.LabelSelectorAsSelector(s); err != nil {
			return Guard{}, fmt.Errorf("GuardPolicy %s: spec.match.namespaceSelector: %w", policy.Name, err)
		}
	}
	system := DefaultSystemActors()
	if spec.SystemActors != nil {
		system = *spec.SystemActors
	}
	ignores, err := ignoresOf(policy)
	if err != nil {
		return Guard{}, err
	}
	breakGlass, err := glassRulesOf(policy)
	if err != nil {
		return Guard{}, err
	}
	return Guard{
		name:        policy.Name,
		mode:        spec.Mode,
		namespaces:  selector,
		excluded:    spec.Match.ExcludeNamespaces,
		resources:   spec.Match.Resources,
		agents:      subjectsOf(spec.Agents.Subjects),
		discover:    spec.Agents.Discover != nil && *spec.Agents.Discover,
		system:      subjects{users: system.Users, groups: system.Groups},
		fields:      spec.UndeclaredFields,
		objects:     spec.UndeclaredObjects,
		derived:     spec.DerivedObjects,
		ignores:     ignores,
		undecidable: spec.Undecidable,
		breakGlass:  breakGlass,
	}, nil
}

// match is whether a guard guards an object.
type match int

const (
	no match = iota
	yes
	cannotTell // the namespace's labels decide, and they aren't known
)

// guards reports whether the guard is for the object. Every set of labels that
// the namespace has or will have is given: one that matches is enough, so that
// a request can't take a namespace out of the guard's reach by itself.
func (g *Guard) guards(key gitindex.Key, namespaced bool, namespaceLabels []map[string]string) match {
	if !g.wants(key) {
		return no
	}
	if !namespaced {
		return yes
	}
	name := key.Namespace
	if isNamespace(key) {
		name = key.Name
	}
	if slices.Contains(g.excluded, name) {
		return no
	}
	if g.namespaces.Empty() {
		return yes
	}
	if len(namespaceLabels) == 0 {
		return cannotTell
	}
	for _, set := range namespaceLabels {
		if g.namespaces.Matches(labels.Set(set)) {
			return yes
		}
	}
	return no
}

func (g *Guard) wants(key gitindex.Key) bool {
	return slices.ContainsFunc(g.resources, func(r v1alpha1.Resource) bool { return includes(r, key) })
}

func includes(r v1alpha1.Resource, key gitindex.Key) bool {
	return matches(r.APIGroups, key.Group) && matches(r.Kinds, key.Kind)
}

func matches(patterns []string, name string) bool {
	return slices.Contains(patterns, "*") || slices.Contains(patterns, name)
}

func isNamespace(key gitindex.Key) bool { return key.Group == "" && key.Kind == "Namespace" }

// subjects is a set of users.
type subjects struct{ users, groups []string }

func (s subjects) isEmpty() bool { return len(s.users)+len(s.groups) == 0 }

func subjectsOf(list []v1alpha1.Subject) subjects {
	var s subjects
	for _, subject := range list {
		switch subject.Kind {
		case v1alpha1.SubjectGroup:
			s.groups = append(s.groups, subject.Name)
		case v1alpha1.SubjectServiceAccount:
			s.users = append(s.users, serviceAccountPrefix+subject.Namespace+":"+subject.Name)
		default:
			s.users = append(s.users, subject.Name)
		}
	}
	return s
}

func (s subjects) has(u User) bool {
	return slices.Contains(s.users, u.Name) ||
		slices.ContainsFunc(u.Groups, func(group string) bool { return slices.Contains(s.groups, group) })
}
