package workload

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// AgentName is the user of the policy's agent.
const AgentName = "system:serviceaccount:flux-system:kustomize-controller"

// Policy guards everything, with defaults in all but its mode.
func Policy(types *fields.Types, mode v1alpha1.Mode) (policy.Policy, error) {
	guard := v1alpha1.GuardPolicy{}
	guard.Name = "bench"
	guard.Spec.Mode = mode
	guard.Spec.Agents.Subjects = []v1alpha1.Subject{{Kind: v1alpha1.SubjectServiceAccount, Namespace: "flux-system", Name: "kustomize-controller"}}
	guard.SetDefaults()
	return policy.New([]v1alpha1.GuardPolicy{guard}, types)
}

// Named are Deployments of these names, in order of name, declared in one
// location, and ballast: so many ConfigMaps of so many bytes.
func Named(deployments map[string]Size, ballast, bytes int) gitindex.SourceState {
	revision := gitindex.Revision{Name: "main", Commit: "4f2c1ab93d0e8f7a6b5c4d3e2f1a0b9c8d7e6f5a"}
	origin := gitindex.Origin{Source: "infra", URL: "https://git.example.com/org/infra.git", Revision: revision, Path: "apps/staging"}
	var objects []gitindex.Declared
	for _, name := range slices.Sorted(maps.Keys(deployments)) {
		origin.File, origin.Line = "apps/base/"+name+"/deployment.yaml", 1
		origin.Fields = []gitindex.FieldOrigin{{Path: "spec.replicas", File: "apps/staging/replicas.yaml", Line: 6}}
		objects = append(objects, gitindex.Declared{
			Key:        gitindex.Key{Group: "apps", Kind: "Deployment", Namespace: "staging", Name: name},
			APIVersion: "apps/v1", Manifest: gitindex.NewManifest(encode(Deployment(name, Replicas, deployments[name]))), Origin: origin,
		})
	}
	for i := range ballast {
		name := fmt.Sprintf("settings-%d", i)
		origin.File, origin.Line, origin.Fields = fmt.Sprintf("apps/staging/settings/%d.yaml", i/100), 1+i%100*20, nil
		objects = append(objects, gitindex.Declared{
			Key:        gitindex.Key{Kind: "ConfigMap", Namespace: "staging", Name: name},
			APIVersion: "v1", Manifest: gitindex.NewManifest(encode(ConfigMap(name, i, bytes))), Origin: origin,
		})
	}
	location := gitindex.Location{Path: "apps/staging"}
	return gitindex.SourceState{
		Source:   gitindex.Source{Name: "infra", Repository: gitindex.Repository{URL: origin.URL, Ref: gitindex.Ref{Branch: "main"}}, Locations: []gitindex.Location{location}},
		Revision: revision, CheckedAt: time.Now(),
		Locations: []gitindex.LocationState{{Location: location, Revision: revision, Objects: objects}},
	}
}

// ConfigMap is one of about so many bytes as JSON, in words that differ.
func ConfigMap(name string, seed, bytes int) map[string]any {
	words := []string{"cache", "timeout", "upstream", "region", "enabled", "limit", "endpoint", "replica", "window", "token-bucket"}
	data := object{}
	for i, length := 0, 150; length < bytes; i++ {
		mixed := uint32(seed*1009+i) * 2654435761
		value := fmt.Sprintf("%s-%s-%d", words[mixed>>8%10], words[mixed>>16%10], mixed%100_000)
		key := strings.ToUpper(words[i%10]) + fmt.Sprintf("_%d", i)
		data[key] = value
		length += len(key) + len(value) + 6
	}
	return object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": object{"name": name, "namespace": "staging", "labels": object{"app": "shop"}}, "data": data}
}
