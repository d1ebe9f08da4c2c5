package discover

import (
	"encoding/json"
	"errors"
	"fmt"

	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// argoCDOverride lays .argocd-source.yaml, and its sibling for one Application
// alone, over a source.
type argoCDOverride struct {
	builder argoCDBuilder
	source  argoCDSource
}

var _ gitindex.Override = (*argoCDOverride)(nil)

// Files implements gitindex.Override.
func (o *argoCDOverride) Files() []string {
	return []string{".argocd-source.yaml", ".argocd-source-" + o.builder.instance + ".yaml"}
}

// Apply implements gitindex.Override. What says where the source's files are
// stays as the Application has it.
func (o *argoCDOverride) Apply(content map[string][]byte) (gitindex.Location, error) {
	merged := o.source
	for _, name := range o.Files() {
		text, ok := content[name]
		if !ok {
			continue
		}
		var over map[string]any
		if yaml.Unmarshal(text, &over) != nil { // without the error, which may repeat a value
			return gitindex.Location{}, fmt.Errorf("%s: it is no YAML map", name)
		}
		next, err := merged.merged(over)
		if err != nil {
			return gitindex.Location{}, fmt.Errorf("%s: %w", name, err)
		}
		merged = next
	}
	merged.RepoURL, merged.Path, merged.Chart = o.source.RepoURL, o.source.Path, o.source.Chart
	merged.TargetRevision, merged.TagPrefix = o.source.TargetRevision, o.source.TagPrefix
	return o.builder.build(merged)
}

// merged is the source with fields set as a JSON merge patch has them. Null
// takes nothing away, as it doesn't with Argo CD.
func (s argoCDSource) merged(over map[string]any) (argoCDSource, error) {
	var fields map[string]any
	var next argoCDSource
	encoded, err := json.Marshal(s)
	if err == nil {
		err = errors.Join(json.Unmarshal(encoded, &fields), json.Unmarshal(encoded, &next))
	}
	if err == nil {
		encoded, err = json.Marshal(mergePatch(fields, over))
	}
	if err == nil {
		err = json.Unmarshal(encoded, &next)
	}
	if err != nil {
		return argoCDSource{}, errors.New("it isn't of the form of an Application's source")
	}
	return next, nil
}

// mergePatch lays one JSON value over another, as RFC 7396 says.
func mergePatch(under, over any) any {
	patch, ok := over.(map[string]any)
	if !ok {
		return over
	}
	merged := map[string]any{}
	if fields, ok := under.(map[string]any); ok {
		for key, value := range fields {
			merged[key] = value
		}
	}
	for key, value := range patch {
		if value == nil {
			delete(merged, key)
			continue
		}
		merged[key] = mergePatch(merged[key], value)
	}
	return merged
}
