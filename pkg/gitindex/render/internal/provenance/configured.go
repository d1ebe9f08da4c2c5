package provenance

import (
	"cmp"
	"encoding/json"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"

	"gitonly.dev/gitonly/pkg/gitindex/render/internal/kustomization"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// configuration has the fields of all of Kustomize's transformers and
// generators that are configured in a file of their own.
type configuration struct {
	Kind     string
	Metadata struct{ Name, Namespace string }

	Path, Patch, Patches, JSONOp string
	Paths                        []types.PatchStrategicMerge
	Target                       *types.Selector
	Options                      json.RawMessage

	Prefix, Suffix string
	Labels         map[string]string
	Annotations    map[string]string
	Replica        types.Replica
	ImageTag       types.Image
	Replacements   []types.ReplacementField
}

// configured takes the steps of an entry of transformers. Paths in them start
// from the layer that names them, even if they stand in another one's files.
func (w *walker) configured(l *kustomization.Layer, part kustomization.Part, items []*item) {
	if part.Layer != nil {
		for _, inner := range part.Layer.Resources {
			w.configured(l, inner, items)
		}
		return
	}
	for _, d := range part.Documents {
		var c configuration
		if decode(d, &c) {
			w.transformer(l, c, d, items)
		}
	}
}

func (w *walker) transformer(l *kustomization.Layer, c configuration, d manifest.Document, items []*item) {
	at := place{d.File, d.Line}
	switch c.Kind {
	case "PatchTransformer", "PatchJson6902Transformer", "PatchStrategicMergeTransformer":
		for _, patch := range w.configuredPatches(l, c, d) {
			applyPatch(patch, items)
		}
	case "NamespaceTransformer":
		setNamespace(c.Metadata.Namespace, at, items)
	case "PrefixTransformer", "SuffixTransformer", "PrefixSuffixTransformer":
		addPrefix(c.Prefix, at, items)
		addSuffix(c.Suffix, at, items)
	case "LabelTransformer":
		label := types.Label{Pairs: c.Labels, FieldSpecs: []types.FieldSpec{{}}}
		addLabels(label, linesOfKeys(d.File, d.Node, "labels", c.Labels), items)
	case "AnnotationsTransformer":
		addAnnotations(c.Annotations, linesOfKeys(d.File, d.Node, "annotations", c.Annotations), items)
	case "ReplicaCountTransformer":
		setReplicas(c.Replica, at, items)
	case "ImageTagTransformer":
		setImage(c.ImageTag, at, items)
	case "ReplacementTransformer":
		w.replace(l, c.Replacements, d.File, d.Node, items)
	}
}

func (w *walker) configuredPatches(l *kustomization.Layer, c configuration, d manifest.Document) []kustomization.Patch {
	patch := kustomization.Patch{File: d.File, Line: d.Line, Target: c.Target}
	_ = json.Unmarshal(c.Options, &patch.Options)
	var all []kustomization.Patch
	for _, text := range []string{c.Patch, c.Patches, c.JSONOp} {
		if text != "" {
			inline := patch
			inline.Documents = textDocuments(d, text)
			all = append(all, inline)
		}
	}
	for _, file := range append([]types.PatchStrategicMerge{types.PatchStrategicMerge(c.Path)}, c.Paths...) {
		if file != "" {
			from := patch
			from.File, from.Documents = w.tree.Read(l, string(file))
			all = append(all, from)
		}
	}
	return all
}

// textDocuments are the documents of a text in a document, with lines of the
// file.
func textDocuments(d manifest.Document, text string) []manifest.Document {
	lines := 0
	if node := findScalar(d.Node, text); node != nil {
		lines = kustomization.TextStart(node)
	}
	padded := make([]byte, lines, lines+len(text))
	for i := range padded {
		padded[i] = '\n'
	}
	documents, _ := manifest.Documents(d.File, append(padded, text...))
	return documents
}

// configuredGenerators adds what an entry of generators makes.
func (w *walker) configuredGenerators(l *kustomization.Layer, part kustomization.Part, items []*item) []*item {
	if part.Layer != nil {
		for _, inner := range part.Layer.Resources {
			items = w.configuredGenerators(l, inner, items)
		}
		return items
	}
	for _, d := range part.Documents {
		var c configuration
		var args types.GeneratorArgs
		if !decode(d, &c) || !decode(d, &args) {
			continue
		}
		args.Name = cmp.Or(args.Name, c.Metadata.Name)
		args.Namespace = cmp.Or(args.Namespace, c.Metadata.Namespace)
		at := place{d.File, d.Line}
		switch c.Kind {
		case "ConfigMapGenerator":
			items = w.generated(l, "ConfigMap", args, at, d.Node, items)
		case "SecretGenerator":
			items = w.generated(l, "Secret", args, at, d.Node, items)
		default:
			w.fallback = at
		}
	}
	return items
}

func decode(d manifest.Document, into any) bool {
	if d.Node == nil || d.Node.Kind != yaml.MappingNode {
		return false
	}
	objects, err := d.Objects()
	if err != nil || len(objects) != 1 {
		return false
	}
	text, err := json.Marshal(objects[0].Fields)
	return err == nil && json.Unmarshal(text, into) == nil
}
