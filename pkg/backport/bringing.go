package backport

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// bringing brings one object's fields to Git, one by one.
type bringing struct {
	*Checkout
	types  *fields.Types
	object Object
	live   map[string]any
	at     int // the rendering that declares the object
	result Result
}

// differences are those between the live object and its declaration, which
// isn't nil.
func (b *bringing) differences(snapshot *gitindex.Snapshot, ignored []fields.Ignore) ([]fields.Difference, error) {
	return policy.Differences(b.types, snapshot, snapshot.Lookup(b.object.Key), b.object.Version, b.object.JSON, ignored)
}

// bring brings one field, or notes why it can't.
func (b *bringing) bring(ctx context.Context, d fields.Difference) error {
	target := &b.renderings[b.at]
	declared := target.snapshot().Lookup(b.object.Key)
	file, line := declared.Origin.Locate(d.Path)
	left := Left{Difference: d, File: file, Line: line}
	switch {
	case b.object.Key.Group == "" && b.object.Key.Kind == "Secret":
		left.Why = "a patch would show a Secret's value: set it where the value is kept"
	case d.Git.Hidden || d.New.Hidden:
		left.Why = "it is encrypted or made of a Secret, and a patch would show it"
	}
	if left.Why != "" {
		b.result.Left = append(b.result.Left, left)
		return nil
	}
	now, err := b.differences(target.snapshot(), nil)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(now, func(other fields.Difference) bool { return overlap(d.Path, other.Path) }) {
		// An edit for another field has brought it too.
		b.result.Placed = append(b.result.Placed, Placed{d, b.result.Placed[len(b.result.Placed)-1].File})
		return nil
	}
	git, err := declared.Object()
	if err != nil {
		return err
	}
	field := newChange(d.Path, git, b.live)
	b.trim(&field, declared, git)
	for _, propose := range b.proposers(&field, declared, target) {
		for _, p := range propose() {
			ok, why, err := b.try(ctx, p, d, now)
			if err != nil {
				return err
			}
			if ok {
				b.result.Placed = append(b.result.Placed, Placed{d, p.file})
				return nil
			}
			if left.Why == "" {
				left.Why = why
			}
		}
	}
	left.Why = cmp.Or(left.Why, b.why(file))
	b.result.Left = append(b.result.Left, left)
	return nil
}

// why says what can be said of a field that no edit brings.
func (b *bringing) why(file string) string {
	if file == "" {
		return "no file sets it: Argo CD's or Flux's own object may"
	}
	if info, err := b.tree.Lstat(file); err == nil && info.Mode().Type() == fs.ModeSymlink {
		return fmt.Sprintf("%s is a link: change what it leads to", file)
	}
	if text, err := b.tree.ReadFile(file); err == nil && isSealed(text) {
		return fmt.Sprintf("SOPS seals the whole of %s: change it there with sops", file)
	}
	return "no edit that was tried makes Git say this and nothing else"
}

// try keeps an edit if it does what it has to, and nothing else. why says what
// else it would do; it may be empty.
func (b *bringing) try(ctx context.Context, p proposal, d fields.Difference, before []fields.Difference) (ok bool, why string, err error) {
	if shown, err := b.shows(p); shown || err != nil {
		return false, fmt.Sprintf("a patch of %s would show a Secret's value that stands beside it", p.file), err
	}
	if why := b.shared(p.file); why != "" {
		return false, why, nil
	}
	tree := b.tree.with(p.file, p.text)
	after, err := b.render(ctx, tree, b.renderings)
	if err != nil {
		return false, "", err
	}
	if after[b.at].err != nil {
		return false, "", nil
	}
	snapshot := after[b.at].snapshot()
	if snapshot.Lookup(b.object.Key) == nil {
		return false, fmt.Sprintf("its name is made of what is in it: to change it in %s makes another object", p.file), nil
	}
	now, err := b.differences(snapshot, nil)
	if err != nil {
		return false, "", nil // it doesn't fit the kind's type
	}
	for _, other := range now {
		known := slices.ContainsFunc(before, func(known fields.Difference) bool { return overlap(known.Path, other.Path) })
		if overlap(d.Path, other.Path) || !known {
			return false, "", nil
		}
	}
	for i := range after {
		if other, changed := b.changes(&b.renderings[i], &after[i], i == b.at); changed {
			return false, fmt.Sprintf("to change it in %s would change %s too", p.file, other), nil
		}
	}
	b.tree, b.renderings = tree, after
	return true, "", nil
}

// changes names something else that is declared otherwise after an edit.
func (b *bringing) changes(before, after *rendering, own bool) (string, bool) {
	at := "path " + after.at.Path
	if (before.err == nil) != (after.err == nil) || len(before.objects) != len(after.objects) {
		return at, true
	}
	if before.err != nil {
		return "", false
	}
	var object *gitindex.Declared
	if own {
		object = after.declaration(b.object.Key)
	}
	for i := range before.objects {
		was, is := &before.objects[i], &after.objects[i]
		if was.Key == is.Key && is == object {
			continue
		}
		if was.Key != is.Key || !was.Manifest.Equal(is.Manifest) {
			return fmt.Sprintf("%s of %s", was.Key, at), true
		}
	}
	return "", false
}

// declaration is that of an object, among the location's; nil if there is none.
func (r *rendering) declaration(key gitindex.Key) *gitindex.Declared {
	found := r.snapshot().Lookup(key)
	if found == nil {
		return nil
	}
	for i := range r.objects {
		if r.objects[i].Key == found.Key {
			return &r.objects[i]
		}
	}
	return nil
}

// maxTrials bounds how often an object is compared to make a value smaller.
const maxTrials = 500

// trim takes out of a new value what the API server fills in by itself.
func (b *bringing) trim(field *change, declared *gitindex.Declared, git map[string]any) {
	if field.gone || field.old != nil {
		return
	}
	field.value = clone(field.value)
	trials := 0
	says := func() bool {
		trials++
		changed, ok := field.in(git, deep)
		if !ok || trials > maxTrials {
			return false
		}
		encoded, err := json.Marshal(changed)
		if err != nil {
			return false
		}
		other := *declared
		other.Manifest = gitindex.NewManifest(encoded)
		r := rendering{source: b.renderings[b.at].source, at: b.renderings[b.at].at, objects: []gitindex.Declared{other}}
		now, err := b.differences(r.snapshot(), nil)
		return err == nil && !slices.ContainsFunc(now, func(d fields.Difference) bool { return overlap(field.path, d.Path) })
	}
	if says() {
		trimmed(field.value, says)
	}
}

// trimmed removes members as long as the whole still says what it has to.
func trimmed(value any, says func() bool) {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range sortedNames(v) {
			member := v[name]
			delete(v, name)
			if !says() {
				v[name] = member
				trimmed(member, says)
			}
		}
	case []any:
		for _, item := range v {
			trimmed(item, says)
		}
	}
}
