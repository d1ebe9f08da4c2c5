package policy

import (
	"fmt"
	"slices"
	"strings"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// Advice returns what GuardPolicies that have their defaults should be changed
// in, as far as that shows without a cluster.
func Advice(policies []v1alpha1.GuardPolicy, types *fields.Types) []string {
	var all []string
	for i := range policies {
		p := &policies[i]
		sentences := slices.Concat(Unknown(p, types), Everybody(p))
		if problem := Agentless(p, nil); problem != "" {
			sentences = append(sentences, problem)
		}
		for _, sentence := range sentences {
			all = append(all, fmt.Sprintf("GuardPolicy %s: %s", p.Name, sentence))
		}
	}
	return all
}

// Unknown returns what a GuardPolicy that has its defaults names and Kubernetes
// doesn't have: kinds of built-in groups, and fields of built-in kinds. Each is a
// sentence that begins with the field of the policy. Of custom kinds it says
// nothing.
func Unknown(policy *v1alpha1.GuardPolicy, types *fields.Types) []string {
	var all []string
	for i, resource := range policy.Spec.Match.Resources {
		all = append(all, unknownKinds(fmt.Sprintf("spec.match.resources[%d]", i), resource, types)...)
	}
	for i, item := range policy.Spec.IgnoreFields {
		at := fmt.Sprintf("spec.ignoreFields[%d]", i)
		if unknown := unknownKinds(at, item.Resource, types); len(unknown) > 0 {
			all = append(all, unknown...)
			continue
		}
		for j, path := range item.Paths {
			pattern, err := fields.ParsePattern(path)
			if err == nil && lack(item.Resource, pattern, types) {
				all = append(all, fmt.Sprintf("%s.paths[%d]: %s has no field %s", at, j, strings.Join(item.Kinds, ", "), path))
			}
		}
	}
	return all
}

// unknownKinds names groups that there can't be, as only built-in ones have no dot,
// and kinds that none of the groups has, if all of them are built-in.
func unknownKinds(at string, r v1alpha1.Resource, types *fields.Types) []string {
	for _, group := range r.APIGroups {
		if group != "*" && !strings.Contains(group, ".") && !types.IsBuiltIn(group) {
			return []string{fmt.Sprintf("%s: there is no API group %s", at, group)}
		}
	}
	if slices.ContainsFunc(r.APIGroups, func(group string) bool { return !types.IsBuiltIn(group) }) {
		return nil // "*" too
	}
	var all []string
	for _, kind := range r.Kinds {
		if kind != "*" && len(kinds(v1alpha1.Resource{APIGroups: r.APIGroups, Kinds: []string{kind}}, types)) == 0 {
			all = append(all, fmt.Sprintf("%s: there is no kind %s in %s", at, kind, groups(r.APIGroups)))
		}
	}
	return all
}

func groups(names []string) string {
	shown := make([]string, len(names))
	for i, name := range names {
		if shown[i] = name; name == "" {
			shown[i] = "the core group"
		}
	}
	return strings.Join(shown, ", ")
}

// lack reports whether none of the kinds has such a field, as far as can be
// told: all of them are built-in.
func lack(r v1alpha1.Resource, pattern fields.Pattern, types *fields.Types) bool {
	for _, kind := range r.Kinds {
		known := kinds(v1alpha1.Resource{APIGroups: r.APIGroups, Kinds: []string{kind}}, types)
		if len(known) == 0 || slices.ContainsFunc(known, func(k kschema.GroupVersionKind) bool { return types.Has(k, pattern) }) {
			return false
		}
	}
	return true
}

func kinds(r v1alpha1.Resource, types *fields.Types) []kschema.GroupVersionKind {
	var all []kschema.GroupVersionKind
	for _, group := range r.APIGroups {
		for _, kind := range r.Kinds {
			all = append(all, types.Kinds(group, kind)...)
		}
	}
	return all
}

// Agentless is what is wrong with a GuardPolicy that trusts nobody to bring
// Git's changes; empty if it trusts somebody, or is off. discovered are the
// agents that were found.
func Agentless(policy *v1alpha1.GuardPolicy, discovered Agents) string {
	spec := &policy.Spec
	others := spec.SystemActors != nil && len(spec.SystemActors.Users)+len(spec.SystemActors.Groups) > 0
	if spec.Mode == v1alpha1.ModeOff || len(spec.Agents.Subjects) > 0 || others {
		return ""
	}
	discovers := spec.Agents.Discover != nil && *spec.Agents.Discover
	switch {
	case !discovers:
		return "nobody can bring Git's changes: spec.agents.subjects is empty, and spec.agents.discover is off"
	case len(discovered) == 0:
		return "nobody can bring Git's changes: spec.agents.subjects is empty, and no GitSource has found Argo CD or Flux"
	}
	return ""
}

// Everybody returns which of the groups that a GuardPolicy takes for an agent, or for
// Kubernetes itself, others are in, too. Each is a sentence that begins with the field
// of the policy.
func Everybody(policy *v1alpha1.GuardPolicy) []string {
	var all []string
	add := func(at, group string) {
		if who := crowd(group); who != "" {
			all = append(all, fmt.Sprintf("%s: group %s is %s, and nothing that they do is refused", at, group, who))
		}
	}
	for i, subject := range policy.Spec.Agents.Subjects {
		if subject.Kind == v1alpha1.SubjectGroup {
			add(fmt.Sprintf("spec.agents.subjects[%d]", i), subject.Name)
		}
	}
	if actors := policy.Spec.SystemActors; actors != nil {
		for i, group := range actors.Groups {
			add(fmt.Sprintf("spec.systemActors.groups[%d]", i), group)
		}
	}
	return all
}

// crowd is who is in a group by the API server's own doing; empty of other groups.
func crowd(group string) string {
	switch group {
	case "system:authenticated":
		return "everybody"
	case "system:unauthenticated":
		return "everybody who doesn't say who they are"
	case "system:serviceaccounts":
		return "every service account"
	case "system:masters":
		return "every administrator"
	}
	return ""
}

// AgentAccounts are the service accounts that a GuardPolicy names as agents, by
// kind or by their full user names.
func AgentAccounts(policy *v1alpha1.GuardPolicy) []v1alpha1.Subject {
	var accounts []v1alpha1.Subject
	for _, subject := range policy.Spec.Agents.Subjects {
		namespace, name, ok := strings.Cut(strings.TrimPrefix(subject.Name, serviceAccountPrefix), ":")
		switch {
		case subject.Kind == v1alpha1.SubjectServiceAccount:
			accounts = append(accounts, subject)
		case subject.Kind == v1alpha1.SubjectUser && ok && strings.HasPrefix(subject.Name, serviceAccountPrefix):
			accounts = append(accounts, v1alpha1.Subject{Kind: v1alpha1.SubjectServiceAccount, Namespace: namespace, Name: name})
		}
	}
	return accounts
}
