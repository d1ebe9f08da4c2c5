package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"runtime"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/kustomization"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/provenance"
)

// kustomize renders the kustomization in a folder as kustomize build does,
// without its network and its plugins.
func (j *job) kustomize(dir string) ([]object, error) {
	engine.Lock()
	defer engine.Unlock()
	limits := kustomization.Limits{Layers: maxLayers, Objects: j.options.MaxObjects}
	tree, err := kustomization.Load(j.files, dir, j.overlay(dir), limits)
	if err != nil {
		return nil, err
	}
	if tree.Root == nil {
		return nil, tree.Problem
	}
	// Which lists merge is part of the schema that Kustomize works with, and
	// the origins are about that: both need the same one.
	defer resetSchema(tree)
	return j.decryptedBuild(tree)
}

// trace does without origins rather than without objects: it reads the schema,
// which may be one of the repository's own that nothing has checked.
func trace(tree *kustomization.Tree, fields []map[string]any) (origins []gitindex.Origin) {
	defer func() {
		if recover() != nil {
			origins = make([]gitindex.Origin, len(fields))
			for i := range origins {
				if !tree.Generated {
					origins[i].File = tree.Root.File
				}
			}
		}
	}()
	return provenance.Trace(tree, fields)
}

// engine serializes what uses Kustomize: its schema is a package variable.
var engine sync.Mutex

// resetSchema keeps what one repository says of the schema from the next.
// Kustomize itself never goes back to its own schema.
func resetSchema(tree *kustomization.Tree) {
	if tree.OpenAPI {
		openapi.ResetOpenAPI()
	}
}

func (j *job) build(tree *kustomization.Tree) ([]map[string]any, error) {
	files := tree.FileSystem()
	resources, err := run(files, tree)
	if j.files.err != nil {
		return nil, j.files.err
	}
	if err == nil {
		err = files.Err()
	}
	if err != nil {
		return nil, tree.Explain(err, files.Err())
	}
	if resources.Size() > j.options.MaxObjects {
		return nil, tooMany(j.options.MaxObjects)
	}
	all := make([]map[string]any, 0, resources.Size())
	for _, resource := range resources.Resources() {
		encoded, err := resource.MarshalJSON()
		if err != nil {
			return nil, tree.Explain(err, nil)
		}
		fields := map[string]any{}
		decoder := json.NewDecoder(bytes.NewReader(encoded))
		decoder.UseNumber()
		if err := decoder.Decode(&fields); err != nil {
			return nil, fmt.Errorf("decoding %s: %w", resource.CurId(), err)
		}
		all = append(all, fields)
	}
	return all, nil
}

// run turns a panic of Kustomize into an error: some of its plugins meet
// unusual input that way.
func run(files *kustomization.FileSystem, tree *kustomization.Tree) (resources resmap.ResMap, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			openapi.ResetOpenAPI()
			err = &panicError{cause}
		}
	}()
	if tree.Deprecated {
		defer quiet()()
	}
	options := krusty.MakeDefaultOptions()
	// The tree itself is the boundary: nothing outside of it can be read.
	options.LoadRestrictions = types.LoadRestrictionsNone
	options.PluginConfig = types.DisabledPluginConfig()
	if tree.Root.Spec.SortOptions != nil {
		// Kustomize logs a warning if it is told an order twice.
		options.Reorder = krusty.ReorderOptionUnspecified
	}
	return krusty.MakeKustomizer(options).Run(files, path.Join(kustomization.Mount, tree.Root.Dir))
}

// panicError is a panic of Kustomize.
type panicError struct{ cause any }

func (e *panicError) Error() string {
	if err, ok := e.cause.(error); ok {
		if _, internal := err.(runtime.Error); !internal {
			return err.Error()
		}
	}
	return "it breaks on something in it, or below it, that is of an unexpected form"
}
