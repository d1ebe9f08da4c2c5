package discover

import (
	"maps"
	"os"
	"strings"
)

// argoCDEnvironment are the variables that some fields may name.
type argoCDEnvironment struct {
	values     map[string]string
	ofRevision string // a variable that was named, whose value each commit changes
}

func (b argoCDBuilder) environment(s argoCDSource) *argoCDEnvironment {
	return &argoCDEnvironment{values: map[string]string{
		"$":                                 "$",
		"ARGOCD_APP_NAME":                   b.instance,
		"ARGOCD_APP_NAMESPACE":              b.namespace,
		"ARGOCD_APP_PROJECT_NAME":           b.project,
		"ARGOCD_APP_SOURCE_REPO_URL":        s.RepoURL,
		"ARGOCD_APP_SOURCE_PATH":            s.Path,
		"ARGOCD_APP_SOURCE_TARGET_REVISION": s.TargetRevision,
	}}
}

// expand replaces $NAME and ${NAME}; a name that isn't known goes.
func (e *argoCDEnvironment) expand(text string) string {
	return os.Expand(text, func(name string) string {
		if strings.HasPrefix(name, "ARGOCD_APP_REVISION") {
			e.ofRevision = name
		}
		return e.values[name]
	})
}

func (e *argoCDEnvironment) expandAll(texts map[string]string) map[string]string {
	expanded := maps.Clone(texts)
	for key, text := range texts {
		expanded[key] = e.expand(text)
	}
	return expanded
}
