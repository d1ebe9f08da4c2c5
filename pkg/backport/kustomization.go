package backport

import (
	"maps"
	"path"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// inKustomization are the ways to change what a kustomization file itself sets.
func (c *change) inKustomization(key gitindex.Key, text []byte, r reach) [][]byte {
	return rewritten(text, func(document any) []any {
		k, ok := document.(map[string]any)
		if !ok {
			return nil
		}
		ways := c.inPatches(key.Kind, k, r)
		if r == near {
			ways = slices.Concat(c.inImages(k), c.inReplicas(key, k), c.inLiterals(key, k), ways)
		}
		return ways
	})
}

// entries calls yes with each map in a list of the kustomization, and returns
// the kustomizations with what it makes of them.
func entries(k map[string]any, name string, yes func(entry map[string]any) []any) []any {
	list, _ := k[name].([]any)
	var ways []any
	for i, item := range list {
		entry, ok := item.(map[string]any)
		if !ok {
			continue
		}
		for _, changed := range yes(entry) {
			ways = append(ways, with(k, name, replaced(list, i, changed)))
		}
	}
	return ways
}

// inImages sets tags, digests and names of images.
func (c *change) inImages(k map[string]any) []any {
	image, ok := c.value.(string)
	if !ok {
		return nil
	}
	name, tag, digest := splitImage(image)
	return entries(k, "images", func(entry map[string]any) []any {
		changed := maps.Clone(entry)
		for field, value := range map[string]string{"newTag": tag, "digest": digest} {
			if value == "" {
				delete(changed, field)
			} else {
				changed[field] = value
			}
		}
		if entry["newName"] != nil || entry["name"] != name {
			changed["newName"] = name
		}
		return []any{changed}
	})
}

// splitImage takes an image apart. A colon before the last slash is a port's.
func splitImage(image string) (name, tag, digest string) {
	name, digest, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		name, tag = name[:colon], name[colon+1:]
	}
	return name, tag, digest
}

func (c *change) inReplicas(key gitindex.Key, k map[string]any) []any {
	if c.path != "spec.replicas" || c.gone {
		return nil
	}
	return entries(k, "replicas", func(entry map[string]any) []any {
		if name, _ := entry["name"].(string); name == "" || !strings.Contains(key.Name, name) {
			return nil
		}
		return []any{with(entry, "count", c.value)}
	})
}

// data is the key of a ConfigMap's data that the change is of.
func (c *change) data(key gitindex.Key) (name string, ok bool) {
	if key.Group != "" || key.Kind != "ConfigMap" || len(c.steps) != 2 || c.steps[0] != "data" {
		return "", false
	}
	return bare(c.steps[1]), true
}

// inLiterals sets what is generated from KEY=VALUE.
func (c *change) inLiterals(key gitindex.Key, k map[string]any) []any {
	name, ok := c.data(key)
	if !ok {
		return nil
	}
	return entries(k, "configMapGenerator", func(entry map[string]any) []any {
		literals, _ := entry["literals"].([]any)
		text, _ := c.value.(string)
		for i, literal := range literals {
			said, _ := literal.(string)
			if is, _, _ := strings.Cut(said, "="); is != name {
				continue
			}
			if c.gone {
				return []any{with(entry, "literals", slices.Delete(slices.Clone(literals), i, i+1))}
			}
			return []any{with(entry, "literals", replaced(literals, i, name+"="+text))}
		}
		if generated, _ := entry["name"].(string); generated == "" || !strings.Contains(key.Name, generated) || c.gone || c.old != nil {
			return nil
		}
		return []any{with(entry, "literals", append(slices.Clone(literals), name+"="+text))}
	})
}

// generatorFiles are the files that a kustomization takes a ConfigMap's data
// from.
func (c *change) generatorFiles(key gitindex.Key, dir string, document any) []proposal {
	name, ok := c.data(key)
	text, isText := c.value.(string)
	k, isMap := document.(map[string]any)
	if !ok || !isText || !isMap {
		return nil
	}
	var found []proposal
	entries(k, "configMapGenerator", func(entry map[string]any) []any {
		files, _ := entry["files"].([]any)
		for _, item := range files {
			said, _ := item.(string)
			is, file, named := strings.Cut(said, "=")
			if !named {
				is, file = path.Base(said), said
			}
			if is == name {
				found = append(found, proposal{path.Join(dir, file), []byte(text)})
			}
		}
		return nil
	})
	return found
}

// inPatches changes patches that stand in the kustomization itself.
func (c *change) inPatches(kind string, k map[string]any, r reach) []any {
	inline := func(entry map[string]any) []any {
		var ways []any
		text, _ := entry["patch"].(string)
		for _, changed := range c.inManifests(kind, []byte(text), r) {
			ways = append(ways, with(entry, "patch", string(changed)))
		}
		return ways
	}
	ways := slices.Concat(entries(k, "patches", inline), entries(k, "patchesJson6902", inline))
	list, _ := k["patchesStrategicMerge"].([]any)
	for i, item := range list {
		text, _ := item.(string)
		for _, changed := range c.inManifests(kind, []byte(text), r) {
			ways = append(ways, with(k, "patchesStrategicMerge", replaced(list, i, string(changed))))
		}
	}
	return ways
}

// newPatch adds a strategic merge patch of an object to a kustomization. Names
// are those that it may have there.
func (c *change) newPatch(key gitindex.Key, apiVersion string, names []string, text []byte) [][]byte {
	return rewritten(text, func(document any) []any {
		k, ok := document.(map[string]any)
		if !ok {
			return nil
		}
		patches, _ := k["patches"].([]any)
		var ways []any
		for _, name := range names {
			for _, namespace := range slices.Compact([]string{"", key.Namespace}) {
				object := map[string]any{"apiVersion": apiVersion, "kind": key.Kind, "metadata": metadata(name, namespace)}
				changed, ok := c.in(object, patch)
				if !ok {
					return nil
				}
				ways = append(ways, with(k, "patches", append(slices.Clone(patches), any(map[string]any{"patch": manifestText(changed)}))))
			}
		}
		return ways
	})
}

func metadata(name, namespace string) map[string]any {
	m := map[string]any{"name": name}
	if namespace != "" {
		m["namespace"] = namespace
	}
	return m
}
