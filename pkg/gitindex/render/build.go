package render

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"runtime"
	"slices"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/kustomization"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/provenance"
)

// memory is what a process keeps from one piece of work for the next.
type memory struct {
	files   manifest.Cache
	schemas provenance.Schemas
}

// do renders a kustomization in this process. Nothing else may use Kustomize
// meanwhile.
func (w *kustomizeWork) do(tree fs.FS, memory *memory) kustomized {
	b := builder{work: w, memory: memory}
	objects, err := b.objects(tree)
	made := kustomized{Spoilt: b.spoilt}
	for i := 0; i < len(objects) && err == nil; i++ {
		o := &objects[i]
		var text []byte
		if text, err = compact(o.fields); err == nil {
			made.Objects = append(made.Objects, kustomizedObject{
				JSON: text, File: o.file, Line: o.line, Sets: o.sets,
				Secrets: o.secrets, Generated: o.generated, Undecrypted: o.undecrypted,
			})
		}
	}
	if err != nil {
		return kustomized{Fault: newFault(err), Spoilt: b.spoilt}
	}
	return made
}

// builder does one piece of work.
type builder struct {
	work   *kustomizeWork
	memory *memory
	spoilt bool // see kustomized.Spoilt
}

func (b *builder) objects(files fs.FS) (all []object, err error) {
	var tree *kustomization.Tree
	defer func() {
		if recover() != nil {
			b.spoilt = true
			openapi.ResetOpenAPI()
			all, err = nil, b.broken(tree)
		}
	}()
	w, cache := b.work, &b.memory.files
	if w.Objects != nil {
		// Values of Secrets may be in them: nothing of them is kept.
		files, cache = folder(w.Objects), nil
	}
	var over *kustomization.Overlay
	if w.Overlay != nil {
		o := overlay{files: files, dir: w.Dir, build: w.Overlay, flux: w.Flux}
		over = &kustomization.Overlay{Change: o.change, Generate: o.generate}
		if w.Objects != nil {
			over.Generate = w.list
		}
	}
	tree, err = kustomization.Load(files, w.Dir, over, kustomization.Limits{Layers: maxLayers, Objects: w.MaxObjects}, cache)
	if err != nil {
		return nil, err
	}
	if tree.Root == nil {
		return nil, tree.Problem
	}
	// Which lists merge is part of the schema that Kustomize works with, and
	// the origins are about that: both need the same one.
	defer b.resetSchema(tree)
	return b.decryptedBuild(tree)
}

var errBroken = errors.New("it can't be built: Kustomize breaks on something in it, or below it, that is of an unexpected form")

// broken is the error of a panic outside of a build: where Kustomize's code
// reads files before it, and messages after it. What it says isn't shown, as
// it may hold anything.
func (b *builder) broken(tree *kustomization.Tree) error {
	file := b.work.Dir
	if tree != nil && tree.Root != nil {
		file = tree.Root.File
	}
	return &gitindex.RenderError{File: file, Err: errBroken}
}

// list is a kustomization of nothing but the objects.
func (w *kustomizeWork) list() (*types.Kustomization, error) {
	return &types.Kustomization{
		TypeMeta:  types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind},
		Resources: slices.Sorted(maps.Keys(w.Objects)),
	}, nil
}

// resetSchema keeps what one repository says of the schema from the next.
// Kustomize itself never goes back to its own schema.
func (b *builder) resetSchema(tree *kustomization.Tree) {
	if tree.OpenAPI {
		b.spoilt = true
		openapi.ResetOpenAPI()
	}
}

// trace does without origins rather than without objects: it reads the schema,
// which may be one of the repository's own that nothing has checked.
func (b *builder) trace(tree *kustomization.Tree, fields []map[string]any) (origins []gitindex.Origin) {
	defer func() {
		if recover() != nil {
			b.spoilt = true
			origins = make([]gitindex.Origin, len(fields))
			for i := range origins {
				if !tree.Generated {
					origins[i].File = tree.Root.File
				}
			}
		}
	}()
	schemas := &b.memory.schemas
	if tree.OpenAPI {
		schemas = &provenance.Schemas{}
	}
	return provenance.Trace(tree, fields, schemas)
}

func (b *builder) build(tree *kustomization.Tree) ([]map[string]any, error) {
	files := tree.FileSystem()
	resources, err := b.run(files, tree)
	if err == nil {
		err = files.Err()
	}
	if err != nil {
		return nil, tree.Explain(err, files.Err())
	}
	if resources.Size() > b.work.MaxObjects {
		return nil, tooMany(b.work.MaxObjects)
	}
	all := make([]map[string]any, 0, resources.Size())
	for _, resource := range resources.Resources() {
		fields, err := fieldsOf(&resource.RNode)
		if err != nil {
			return nil, tree.Explain(err, nil)
		}
		all = append(all, fields)
	}
	return all, nil
}

// run turns a panic of Kustomize into an error: some of its plugins meet
// unusual input that way.
func (b *builder) run(files *kustomization.FileSystem, tree *kustomization.Tree) (resources resmap.ResMap, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			b.spoilt = true
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
