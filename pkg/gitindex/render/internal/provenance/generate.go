package provenance

import (
	"bytes"
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/kustomization"
)

func (w *walker) generate(l *kustomization.Layer, items []*item) []*item {
	add := func(kind, list string, args types.GeneratorArgs) {
		args.Options = types.MergeGlobalOptionsIntoLocal(copyOptions(args.Options), l.Spec.GeneratorOptions)
		at := lineOfEntry(l.File, l.Node, list, args.Name)
		items = w.generated(l, kind, args, at, l.Node, items)
	}
	for _, g := range l.Spec.ConfigMapGenerator {
		add("ConfigMap", "configMapGenerator", g.GeneratorArgs)
	}
	for _, g := range l.Spec.SecretGenerator {
		add("Secret", "secretGenerator", g.GeneratorArgs)
	}
	for _, part := range l.Generators {
		items = w.configuredGenerators(l, part, items)
	}
	return items
}

func copyOptions(options *types.GeneratorOptions) *types.GeneratorOptions {
	if options == nil {
		return nil
	}
	c := *options
	return &c
}

// generated adds what a generator makes, or merges it into what is there.
func (w *walker) generated(l *kustomization.Layer, kind string, args types.GeneratorArgs, at place, node *yaml.Node, items []*item) []*item {
	id := resid.NewResIdWithNamespace(resid.NewGvk("", "v1", kind), args.Name, args.Namespace)
	claims := w.data(l, args, at, node)
	hashed := args.Options == nil || !args.Options.DisableNameSuffixHash
	if args.Behavior == "merge" || args.Behavior == "replace" {
		for _, it := range items {
			if it.is(func(other resid.ResId) bool { return other.Equals(id) }) {
				if args.Behavior == "replace" {
					claims = append([]claim{{place: at, path: "data"}}, claims...)
				}
				it.hashed = hashed
				it.then(func(*item) []claim { return claims })
				return items
			}
		}
	}
	it := newItem(at, id)
	it.hashed = hashed
	it.renamer = at
	it.then(func(*item) []claim { return claims })
	return append(items, it)
}

// data says for each key of the data which file it is from.
func (w *walker) data(l *kustomization.Layer, args types.GeneratorArgs, at place, node *yaml.Node) []claim {
	var all []claim
	set := func(key string, from place) {
		all = append(all, claim{place: from, path: gitindex.AppendField("data", key)})
	}
	for _, env := range envFiles(args) {
		file := path.Join(l.Dir, env)
		for _, line := range w.envLines(file) {
			set(line.key, place{file, line.number})
		}
	}
	for _, literal := range args.LiteralSources {
		key, _, _ := strings.Cut(literal, "=")
		from := at
		if found := findScalar(node, literal); found != nil {
			from.line = found.Line
		}
		set(key, from)
	}
	for _, source := range args.FileSources {
		key, file := kustomization.DataFile(source)
		set(key, place{path.Join(l.Dir, file), 1})
	}
	if options := args.Options; options != nil {
		for _, key := range sortedKeys(options.Labels) {
			all = append(all, option(at, node, "metadata.labels", key, options.Labels[key]))
		}
		for _, key := range sortedKeys(options.Annotations) {
			all = append(all, option(at, node, "metadata.annotations", key, options.Annotations[key]))
		}
	}
	return all
}

func option(at place, node *yaml.Node, parent, key, value string) claim {
	if found := findKey(node, key, value); found != nil {
		at.line = found.Line
	}
	return claim{at, gitindex.AppendField(parent, key), value, true}
}

func envFiles(args types.GeneratorArgs) []string {
	if args.EnvSource == "" {
		return args.EnvSources
	}
	return append(args.EnvSources[:len(args.EnvSources):len(args.EnvSources)], args.EnvSource)
}

type envLine struct {
	key    string
	number int
}

func (w *walker) envLines(file string) []envLine {
	data, err := fs.ReadFile(w.tree.Files, file)
	if err != nil {
		return nil
	}
	var all []envLine
	number := 0
	for line := range bytes.Lines(data) {
		number++
		text := strings.TrimSpace(strings.TrimPrefix(string(line), "\ufeff"))
		if key, _, _ := strings.Cut(text, "="); key != "" && !strings.HasPrefix(key, "#") {
			all = append(all, envLine{key, number})
		}
	}
	return all
}
