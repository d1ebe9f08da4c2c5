package config

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// loader collects what documents hold, and what is wrong with them.
type loader struct {
	config   Config
	read     map[string]string // where an object was read: "Secret infra" -> "a.yaml:1"
	problems []error
}

func (l *loader) add(d document) {
	object, err := d.object()
	if err != nil {
		l.problem(d, "", err.Error())
		return
	}
	apiVersion, _ := object["apiVersion"].(string)
	kind, _ := object["kind"].(string)
	known, complaint := kindOf(apiVersion, kind)
	if complaint != "" {
		l.problem(d, "", complaint)
		return
	}

	label := kind
	if name := nameOf(object); name != "" {
		label += " " + name
		if at, ok := l.read[label]; ok {
			l.problem(d, label, "is in "+at+" already")
		} else {
			l.read[label] = d.at()
		}
	}

	complaints, err := known.add(&l.config, object)
	if err != nil {
		complaints = append(complaints, err.Error())
	}
	for _, complaint := range complaints {
		l.problem(d, label, complaint)
	}
}

func (l *loader) problem(d document, label, complaint string) {
	if label != "" {
		complaint = label + ": " + complaint
	}
	l.problems = append(l.problems, fmt.Errorf("%s: %s", d.at(), complaint))
}

// knownKind is a kind that files may hold.
type knownKind struct {
	apiVersion, kind string

	// add puts an object into the configuration, or says what is wrong with
	// it; the error is for what isn't the file's fault.
	add func(config *Config, object map[string]any) (complaints []string, err error)
}

var knownKinds = []knownKind{
	{v1alpha1.GroupVersion.String(), v1alpha1.GitSourceKind, addGitSource},
	{v1alpha1.GroupVersion.String(), v1alpha1.GuardPolicyKind, addGuardPolicy},
	{"v1", "Secret", addSecret},
}

func kindOf(apiVersion, kind string) (known knownKind, complaint string) {
	for _, k := range knownKinds {
		switch {
		case k.kind != kind:
		case k.apiVersion == apiVersion:
			return k, ""
		case apiVersion == "":
			return knownKind{}, fmt.Sprintf("%s has no apiVersion: it is %s", kind, k.apiVersion)
		default:
			return knownKind{}, fmt.Sprintf("%s has apiVersion %q: only %s is read", kind, apiVersion, k.apiVersion)
		}
	}
	if kind == "" {
		return knownKind{}, "has no kind"
	}
	return knownKind{}, fmt.Sprintf("kind %q of apiVersion %q is not read: only GitSource, GuardPolicy and Secret are", kind, apiVersion)
}

func nameOf(object map[string]any) string {
	metadata, _ := object["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	return name
}

func addGitSource(config *Config, object map[string]any) ([]string, error) {
	complaints, err := check(v1alpha1.GitSourceKind, object)
	if err != nil || len(complaints) > 0 {
		return complaints, err
	}
	var source v1alpha1.GitSource
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, &source); err != nil {
		return nil, fmt.Errorf("decoding: %w", err)
	}
	config.Sources = append(config.Sources, source)
	return nil, nil
}

func addGuardPolicy(config *Config, object map[string]any) ([]string, error) {
	complaints, err := check(v1alpha1.GuardPolicyKind, object)
	if err != nil || len(complaints) > 0 {
		return complaints, err
	}
	var policy v1alpha1.GuardPolicy
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, &policy); err != nil {
		return nil, fmt.Errorf("decoding: %w", err)
	}
	if complaint := checkSelector(policy.Spec.Match.NamespaceSelector); complaint != "" {
		return []string{complaint}, nil
	}
	config.Policies = append(config.Policies, policy)
	return nil, nil
}
