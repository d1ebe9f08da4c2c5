package sweep

import (
	"context"
	"encoding/base64"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/examples"
)

// location is a folder of the repository that is declared.
type location struct {
	path, namespace string
	kustomize       bool
}

var locations = []location{
	{path: "corpus", namespace: "sweep"},
	{path: "infra/cluster-config", namespace: "default"},
	{path: "infra/apps/overlays/staging", namespace: "staging", kustomize: true},
	{path: "infra/apps/overlays/production", namespace: "production", kustomize: true},
	{path: "infra/secrets", namespace: "staging"},
	{path: "infra/bootstrap", namespace: "argocd"},
}

// roundAt is what the control plane's round needs, and nothing else does.
var roundAt = location{path: "round", namespace: "round"}

// repositoryFiles are what is committed.
func repositoryFiles() (map[string]string, error) {
	all := map[string]string{}
	for _, tree := range []fs.FS{corpus, busy, examples.FS} {
		files, err := gitserver.Files(tree)
		if err != nil {
			return nil, err
		}
		for name, content := range files {
			all[name] = content
		}
	}
	return all, nil
}

// declared is what a location of the checkout at dir holds. It is found by
// kubectl's Kustomize and a plain YAML reader, not by gitonly's renderer.
func (s *scene) declared(ctx context.Context, dir string, at location) ([]map[string]any, error) {
	if at.kustomize {
		out, err := s.kubectl(ctx, "", "kustomize", filepath.Join(dir, at.path)).Output()
		if err != nil {
			return nil, fmt.Errorf("building %s: %w", at.path, err)
		}
		return documents(out)
	}
	files, err := repositoryFiles()
	if err != nil {
		return nil, err
	}
	var all []map[string]any
	for name, content := range files {
		if !strings.HasPrefix(name, at.path+"/") || path.Ext(name) != ".yaml" {
			continue
		}
		found, err := documents([]byte(content))
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

// decrypted is a Secret as a SOPS plugin hands it to the agent.
func decrypted(object map[string]any) map[string]any {
	if _, ok := object["sops"]; !ok {
		return object
	}
	open := clone(object).(map[string]any)
	delete(open, "sops")
	for _, f := range leaves(nil, open) {
		if value, _ := f.get(open); strings.HasPrefix(fmt.Sprint(value), "ENC[") {
			open = f.set(open, "decrypted").(map[string]any)
		}
	}
	return open
}

// inCluster is where the cluster keeps a field that Git declares, and the
// spelling of a value there.
func inCluster(object map[string]any, f field) (at field, spell func(any) any) {
	if object["kind"] == "Secret" && f[0] == "stringData" && len(f) > 1 {
		return append(field{"data"}, f[1:]...), func(value any) any {
			return base64.StdEncoding.EncodeToString([]byte(fmt.Sprint(value)))
		}
	}
	return f, func(value any) any { return value }
}

// identity are the fields that make an object another one.
func identity(f field) bool {
	return slices.Contains([]string{"apiVersion", "kind", "metadata.name", "metadata.namespace"}, f.String()) || f[0] == "sops"
}
