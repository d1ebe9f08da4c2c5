// Package provenance finds out which file sets which field of the objects
// that Kustomize makes.
//
// Kustomize does not tell. So its steps are walked through once more, in the
// order it takes them: the names that objects go by, as far as patches depend
// on them, and what each step sets. Where that depends on rules that only
// Kustomize knows, such as which labels also go into selectors, the finished
// object decides. A wrong guess makes a wrong hint in a message, never a wrong
// declaration.
package provenance

import (
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/kustomization"
)

// Trace returns where each of the objects made from a tree is from: File,
// Line and Fields of each origin. It must not run while anything else uses
// Kustomize, whose schema it reads.
func Trace(tree *kustomization.Tree, objects []map[string]any, schemas *Schemas) []gitindex.Origin {
	w := &walker{tree: tree}
	if !tree.Generated {
		w.fallback.file = tree.Root.File
	}
	items := w.layer(tree.Root, nil)
	matched := match(items, objects)
	names := renamed(matched)
	origins := make([]gitindex.Origin, len(objects))
	for i, item := range matched {
		if item == nil {
			origins[i] = gitindex.Origin{File: w.fallback.file, Line: w.fallback.line}
			continue
		}
		item.settle(objects[i], schemas)
		item.referTo(names, w.vars)
		from := item.from.known()
		origins[i] = gitindex.Origin{File: from.file, Line: from.line, Fields: item.fields()}
	}
	return origins
}

// place is a line of a file; the line is 0 if unknown.
type place struct {
	file string
	line int
}

// known is the place, or none if it is in an overlay, which is no file.
func (p place) known() place {
	if p.file == "" || p.line < 0 {
		return place{}
	}
	return p
}

// claim is a field that a step sets. Its value is known if it is text or
// another scalar that stands in the step.
type claim struct {
	place
	path     string
	value    string
	hasValue bool
}

// walker goes through the layers in Kustomize's order.
type walker struct {
	tree     *kustomization.Tree
	fallback place // for objects that nothing else is known of
	vars     []variable
}

func (w *walker) layer(l *kustomization.Layer, items []*item) []*item {
	for _, part := range l.Resources {
		switch {
		case part.Layer != nil:
			items = append(items, w.layer(part.Layer, nil)...)
		default:
			items = append(items, itemsIn(part)...)
		}
	}
	items = w.generate(l, items)
	for _, part := range l.Components {
		// A component works on what the kustomization has so far.
		if part.Layer != nil {
			items = w.layer(part.Layer, items)
		}
	}
	w.transform(l, items)
	w.vars = append(w.vars, variables(l)...)
	return items
}

// lineOfImage also looks where images stood before they were so called.
func lineOfImage(l *kustomization.Layer, name string) place {
	fields := []string{"newTag", "digest", "newName", "tagSuffix"}
	at := lineOfEntry(l.File, l.Node, "images", name, fields...)
	if at.line == 0 || at.line == lineOfKey(l.Node, "images") {
		if older := lineOfEntry(l.File, l.Node, "imageTags", name, fields...); older.line > 0 {
			return older
		}
	}
	return at
}

// transform takes the steps in the order of Kustomize's own transformers.
func (w *walker) transform(l *kustomization.Layer, items []*item) {
	spec := l.Spec
	for _, patch := range w.tree.StrategicPatches(l) {
		applyPatch(patch, items)
	}
	for _, patch := range w.tree.Patches(l, spec.Patches) {
		applyPatch(patch, items)
	}
	at := func(key string) place { return place{l.File, lineOfKey(l.Node, key)} }
	setNamespace(spec.Namespace, at("namespace"), items)
	addPrefix(spec.NamePrefix, at("namePrefix"), items)
	addSuffix(spec.NameSuffix, at("nameSuffix"), items)
	for _, label := range spec.Labels {
		addLabels(label, linesOfKeys(l.File, l.Node, "labels", label.Pairs), items)
	}
	addLabels(commonLabels(spec.CommonLabels), linesOfKeys(l.File, l.Node, "commonLabels", spec.CommonLabels), items)
	addAnnotations(spec.CommonAnnotations, linesOfKeys(l.File, l.Node, "commonAnnotations", spec.CommonAnnotations), items)
	for _, patch := range w.tree.Patches(l, spec.PatchesJson6902) {
		applyPatch(patch, items)
	}
	for _, replica := range spec.Replicas {
		setReplicas(replica, lineOfEntry(l.File, l.Node, "replicas", replica.Name, "count"), items)
	}
	for _, image := range spec.Images {
		setImage(image, lineOfImage(l, image.Name), items)
	}
	w.replace(l, spec.Replacements, l.File, l.Node, items)
	for _, part := range l.Transformers {
		w.configured(l, part, items)
	}
}
