package gitindex

import (
	"bytes"
	"maps"
	"slices"
	"strings"
)

// named returns a location's objects with the names that the agent recorded in
// the place of stand-ins. An object that the agent didn't record isn't there
// yet, and left out; what refers to it then names nothing that can be.
func named(objects []Declared, recorded []Recorded) []Declared {
	var generated []*Declared
	for i := range objects {
		if objects[i].Generated != "" {
			generated = append(generated, &objects[i])
		}
	}
	if len(generated) == 0 {
		return objects
	}
	known := map[Key]bool{}
	for i := range objects {
		known[objects[i].Key] = true
	}
	names := map[string]string{}
	for _, d := range generated {
		names[d.Key.Name] = d.Generated + unnamed
		if found := recordedAs(d, recorded, known); len(found) == 1 {
			names[d.Key.Name] = found[0]
		}
	}
	made := make([]Declared, 0, len(objects))
	for _, d := range objects {
		if d.Generated == "" {
			d.rename(names)
			made = append(made, d)
			continue
		}
		all := maps.Clone(names)
		for _, name := range recordedAs(&d, recorded, known) {
			own := d
			all[d.Key.Name] = name
			own.rename(all)
			own.Key.Name = name
			made = append(made, own)
		}
	}
	return made
}

// unnamed stands for a hash that nobody knows. No name can have it.
const unnamed = "-…"

// rename puts names in the place of stand-ins, which are the hash of something
// and so in no other text.
func (d *Declared) rename(names map[string]string) {
	text := d.Manifest.JSON()
	for standIn, name := range names {
		text = bytes.ReplaceAll(text, []byte(standIn), []byte(name))
		if d.Sealed != nil {
			d.Sealed = bytes.ReplaceAll(d.Sealed, []byte(standIn), []byte(name))
		}
	}
	d.Manifest = NewManifest(text)
}

// recordedAs are the names by which the agent may have recorded an object:
// while it replaces one by another, two.
func recordedAs(d *Declared, recorded []Recorded, known map[Key]bool) []string {
	var names []string
	for _, r := range recorded {
		key := d.Key
		key.Name = r.Key.Name
		hash, ok := strings.CutPrefix(r.Key.Name, d.Generated+"-")
		if ok && isHash(hash) && r.Key == key && !known[key] {
			names = append(names, r.Key.Name)
		}
	}
	slices.Sort(names)
	return names
}

// isHash reports whether a text looks like one of Kustomize's hashes: ten of
// the characters that make no words.
func isHash(text string) bool {
	return len(text) == hashLength && strings.Trim(text, "bcdfghkmt2456789") == ""
}

const hashLength = 10
