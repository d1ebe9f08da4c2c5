package provenance

import (
	"maps"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/kyaml/resid"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/kustomization"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// item is an object on its way through the layers.
type item struct {
	from    place
	id      resid.ResId   // as it is called now
	earlier []resid.ResId // as it was called before, oldest first
	hashed  bool          // its name will get a hash appended
	gone    bool
	renamer place // what last changed its name

	labels, annotations map[string]string // for selectors
	base                map[string]any    // as its file has it

	steps []step

	// What follows is known once the item is matched with a finished object.
	final  map[string]any
	leaves []leaf // of final, in order, once somebody asked
	schema *fieldSchema
	values map[string]string // scalars by path, as of the last step
	claims []claim
}

// step says what one step of a kustomization sets in the finished object.
type step func(it *item) []claim

func newItem(from place, id resid.ResId) *item {
	return &item{from: from, id: id, labels: map[string]string{}, annotations: map[string]string{}}
}

// itemsIn returns the objects in a resource file.
func itemsIn(part kustomization.Part) []*item {
	var items []*item
	for _, d := range part.Documents {
		items = append(items, itemsOf(part.File, d.Node)...)
	}
	return items
}

func itemsOf(file string, node *yaml.Node) []*item {
	if list := manifest.Lookup(node, "items"); list != nil && strings.HasSuffix(manifest.Text(node, "kind"), "List") {
		var items []*item
		for _, child := range manifest.Items(list) {
			items = append(items, itemsOf(file, manifest.Resolve(child))...)
		}
		return items
	}
	if node == nil {
		return nil
	}
	it := newItem(place{file, node.Line}, idOf(node))
	_ = node.Decode(&it.base) // what can't be decoded is taken for empty
	metadata, _ := it.base["metadata"].(map[string]any)
	maps.Copy(it.labels, texts(metadata["labels"]))
	maps.Copy(it.annotations, texts(metadata["annotations"]))
	return []*item{it}
}

func idOf(node *yaml.Node) resid.ResId {
	group, version := resid.ParseGroupVersion(manifest.Text(node, "apiVersion"))
	gvk := resid.NewGvk(group, version, manifest.Text(node, "kind"))
	return resid.NewResIdWithNamespace(gvk, manifest.Text(node, "metadata", "name"), manifest.Text(node, "metadata", "namespace"))
}

func texts(value any) map[string]string {
	all := map[string]string{}
	fields, _ := value.(map[string]any)
	for name, v := range fields {
		all[name] = scalar(v)
	}
	return all
}

// ids are all the names the item goes by, the oldest first.
func (it *item) ids() []resid.ResId {
	return append(it.earlier[:len(it.earlier):len(it.earlier)], it.id)
}

func (it *item) is(match func(resid.ResId) bool) bool {
	for _, id := range it.ids() {
		if match(id) {
			return true
		}
	}
	return false
}

// rename keeps the old name, by which patches may still call the item.
func (it *item) rename(name, namespace string, by place) {
	if name == it.id.Name && namespace == it.id.Namespace {
		return
	}
	if name != it.id.Name {
		it.renamer = by
	}
	it.earlier = append(it.earlier, it.id)
	it.id.Name, it.id.Namespace = name, namespace
}

func (it *item) then(s step) { it.steps = append(it.steps, s) }

// settle works out what the steps set, now that the result is known.
func (it *item) settle(final map[string]any, schemas *Schemas) {
	it.final = final
	it.schema = schemas.of(kyaml.TypeMeta{APIVersion: it.id.ApiVersion(), Kind: it.id.Kind})
	it.values = map[string]string{}
	eachLeaf(it.base, it.schema, func(path string, value any) { it.values[path] = scalar(value) })
	for _, s := range it.steps {
		it.claim(s(it)...)
	}
}

// leaf is a scalar of an object, or a map or list that is empty.
type leaf struct {
	path  string
	value any
}

// eachLeaf calls f for every leaf of the finished object.
func (it *item) eachLeaf(f func(path string, value any)) {
	if it.leaves == nil {
		eachLeaf(it.final, it.schema, func(path string, value any) { it.leaves = append(it.leaves, leaf{path, value}) })
	}
	for _, l := range it.leaves {
		f(l.path, l.value)
	}
}

func (it *item) claim(claims ...claim) {
	for _, c := range claims {
		if c.hasValue {
			it.values[c.path] = c.value
		}
		it.claims = append(it.claims, c)
	}
}

// fields drops what a later step at the same path makes pointless.
func (it *item) fields() []gitindex.FieldOrigin {
	last := map[string]int{}
	for i, c := range it.claims {
		last[c.path] = i
	}
	var fields []gitindex.FieldOrigin
	for i, c := range it.claims {
		if last[c.path] == i {
			at := c.known()
			fields = append(fields, gitindex.FieldOrigin{Path: c.path, File: at.file, Line: at.line})
		}
	}
	return fields
}
