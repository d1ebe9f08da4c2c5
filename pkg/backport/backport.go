// Package backport brings to Git what was changed in a cluster by hand: it finds
// the files that declare the fields, and edits them.
//
// It trusts no guess. Each edit is tried in memory: everything that is known to
// come from the work tree is rendered again, and the edit stays only if the
// object then declares what the cluster has, and nothing else declares anything
// new.
package backport

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"sigs.k8s.io/json"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// Object is an object as the cluster has it.
type Object struct {
	Key     gitindex.Key
	Version string // of JSON, without the group: the one that Git declares
	JSON    []byte

	// Changed are the fields that were changed in an emergency, "*" for all that
	// Git declares. Others are left alone. Nil stands for those in which the
	// object departs from what Git declares.
	Changed []string

	// Ignored are fields that Git leaves to somebody. They count only if
	// Changed names them.
	Ignored []fields.Ignore
}

// Result is what was found.
type Result struct {
	Edits  map[string]Edit // by file
	Placed []Placed
	Left   []Left

	// Unread is how many kustomizations of the checkout were not looked at, as
	// there are so many: an edit may change what they declare.
	Unread int

	// Alone are fields in which the object departs from what Git declares, and
	// that weren't changed in the emergency.
	Alone []fields.Difference
}

// Edit is a file before and after.
type Edit struct{ Before, After []byte }

// Placed is a field that Git says now.
type Placed struct {
	fields.Difference
	File string // that was edited
}

// Left is a field for which no place was found in Git.
type Left struct {
	fields.Difference
	File string // that sets it now; empty if unknown
	Line int
	Why  string
}

// Backport finds the edits that make Git declare what was changed in an object.
// Git must declare the object. The error says what can't be read or compared.
func (c *Checkout) Backport(ctx context.Context, types *fields.Types, o Object) (Result, error) {
	b := &bringing{Checkout: c, types: types, object: o, at: c.declaring(o.Key)}
	if b.at < 0 {
		return Result{}, fmt.Errorf("%s isn't declared", o.Key)
	}
	if err := json.UnmarshalCaseSensitivePreserveInts(o.JSON, &b.live); err != nil {
		return Result{}, fmt.Errorf("reading %s as the cluster has it: %w", o.Key, err)
	}
	before, err := b.differences(c.renderings[b.at].snapshot(), nil)
	if err != nil {
		return Result{}, err
	}
	counted, err := b.differences(c.renderings[b.at].snapshot(), o.Ignored)
	if err != nil {
		return Result{}, err
	}
	if err := c.readOthers(ctx, &c.renderings[b.at]); err != nil {
		return Result{}, err
	}
	for _, d := range before {
		drifted := d.Declared && slices.Contains(counted, d)
		switch {
		case o.Changed == nil && drifted, changed(o.Changed, d):
			if err := b.bring(ctx, d); err != nil {
				return Result{}, err
			}
		case drifted:
			b.result.Alone = append(b.result.Alone, d)
		}
	}
	b.result.Unread = c.unread
	b.result.Edits = map[string]Edit{}
	for _, file := range slices.Sorted(maps.Keys(c.tree.edited)) {
		original, err := overlay{below: c.tree.below}.ReadFile(file)
		if err != nil {
			return Result{}, fmt.Errorf("reading %s: %w", file, err)
		}
		b.result.Edits[file] = Edit{original, c.tree.edited[file]}
	}
	return b.result, nil
}

// changed reports whether a difference is of the fields that an emergency
// changed.
func changed(paths []string, d fields.Difference) bool {
	return slices.ContainsFunc(paths, func(path string) bool {
		return path == "*" && d.Declared || path != "*" && overlap(path, d.Path)
	})
}

// overlap reports whether one of two paths is the other, or inside it.
func overlap(a, b string) bool {
	x, y := gitindex.SplitPath(a), gitindex.SplitPath(b)
	most := min(len(x), len(y))
	return slices.Equal(x[:most], y[:most])
}
