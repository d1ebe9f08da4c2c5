package fields_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	kjson "k8s.io/apimachinery/pkg/util/json"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

func builtinTypes(t testing.TB) *fields.Types {
	t.Helper()
	types, err := builtin.Types()
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// typeOf is what an object says it is.
func typeOf(object map[string]any) kschema.GroupVersionKind {
	version, _ := object["apiVersion"].(string)
	kind, _ := object["kind"].(string)
	return kschema.FromAPIVersionAndKind(version, kind)
}

// FuzzNormalize: what is normal stays as it is.
func FuzzNormalize(f *testing.F) {
	types := builtinTypes(f)
	for _, object := range corpus(f) {
		f.Add(encode(object), []byte{})
		f.Add(encode(object), []byte{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8})
	}
	f.Fuzz(func(t *testing.T, text, script []byte) {
		var object map[string]any
		if kjson.Unmarshal(text, &object) != nil || object == nil {
			return
		}
		object = scripted(object, script)
		kind := typeOf(object)
		once, err := types.Normalize(kind, encode(object))
		if err != nil || object["sops"] != nil {
			return
		}
		twice, err := types.Normalize(kind, encode(fields.Plain(once).(map[string]any)))
		if err != nil {
			t.Fatalf("what is normal can't be read: %v\n%s", err, encode(object))
		}
		if diff := cmp.Diff(fields.Plain(once), fields.Plain(twice)); diff != "" {
			t.Errorf("normal (-once +twice):\n%s\n%s", diff, encode(object))
		}
	})
}

// FuzzCompare: an edit of an object is Git's, and two edits of it as the object before and after.
func FuzzCompare(f *testing.F) {
	types := builtinTypes(f)
	objects := corpus(f)
	for i := range objects {
		f.Add(uint8(i), []byte{}, []byte{}, []byte{byte(i), 2, 7, 0})
		f.Add(uint8(i), []byte{2, byte(i), 1}, []byte{byte(i), 1, 3, 0, 7, 1, 2}, []byte{2, 7, 1, byte(i), 0, 1, 5})
	}
	f.Fuzz(func(t *testing.T, which uint8, gitScript, oldScript, newScript []byte) {
		git := scripted(objects[int(which)%len(objects)], gitScript)
		text, kind := encode(git), typeOf(git)
		normal, err := types.Normalize(kind, text)
		if err != nil {
			return
		}
		base := fields.Plain(normal).(map[string]any)
		before, after := scripted(base, oldScript), scripted(base, newScript)
		compare := func(git, before, after map[string]any) fields.Change {
			update := fields.Update{Type: kind, Declared: gitindex.NewManifest(encode(git)), Old: encode(before), New: encode(after)}
			change, err := types.Compare(update)
			if err != nil {
				t.Fatalf("comparing: %v", err)
			}
			apart(t, types, update, change)
			return change
		}

		change := compare(git, before, after)
		for _, object := range []map[string]any{git, before, after} {
			status, hasStatus := object["status"]
			_, isMap := status.(map[string]any)
			if _, err := types.Normalize(kind, encode(object)); err != nil || hasStatus && !isMap {
				return // the API server has no such object
			}
		}
		if same := compare(git, before, before); same.Any || len(same.Differences) > 0 {
			t.Errorf("an object differs from itself: %v", same)
		}
		nothing := map[string]any{}
		there, back := compare(nothing, before, after), compare(nothing, after, before)
		if diff := cmp.Diff(paths(there), paths(back)); diff != "" {
			t.Errorf("the way there and the way back (-there +back):\n%s", diff)
		}
		if git["sops"] == nil {
			for _, d := range compare(git, before, base).Differences {
				if d.Declared {
					t.Errorf("a step to Git's object departs from it: %s", describe(d))
				}
			}
		}
		unread, err := types.Compare(fields.Update{Type: kind, Version: "v0", Declared: gitindex.NewManifest(encode(git)), Old: encode(before), New: encode(after)})
		if err != nil {
			return // an error is no permission
		}
		for _, d := range change.Differences {
			// An autoscaler's fields have other names in other versions.
			if d.Declared && !slices.ContainsFunc(unread.Differences, func(u fields.Difference) bool {
				return u.Declared && (overlap(u.Path, d.Path) || kind.Kind == "HorizontalPodAutoscaler")
			}) {
				t.Errorf("of another version this is no difference: %s\n%v", describe(d), unread)
			}
		}
		if t.Failed() {
			t.Logf("git %s\nold %s\nnew %s", text, encode(before), encode(after))
		}
	})
}

// apart holds a comparison to that of sides that share nothing, and so ones with
// a side that is kept.
func apart(t *testing.T, types *fields.Types, u fields.Update, change fields.Change) {
	t.Helper()
	want, err := types.CompareApart(u)
	if err != nil {
		t.Fatalf("comparing sides that share nothing: %v", err)
	}
	if diff := cmp.Diff(want, change); diff != "" {
		t.Errorf("what both sides share counts (-apart +shared):\n%s\ngit %s\nold %s\nnew %s", diff, u.Declared.JSON(), u.Old, u.New)
	}
	keeping := types.Keeping(1 << 20)
	for _, side := range []string{"read", "kept"} {
		got, err := keeping.Compare(u)
		if err != nil {
			t.Fatalf("comparing with a side that is %s: %v", side, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("that Git's side is %s counts (-apart +%s):\n%s\ngit %s\nold %s\nnew %s", side, side, diff, u.Declared.JSON(), u.Old, u.New)
		}
	}
}

func paths(change fields.Change) []string {
	set := map[string]bool{}
	for _, d := range change.Differences {
		set[d.Path] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// overlap reports whether one path is inside the other.
func overlap(a, b string) bool {
	x, y := gitindex.SplitPath(a), gitindex.SplitPath(b)
	n := min(len(x), len(y))
	return slices.Equal(x[:n], y[:n])
}

// FuzzTracked: whatever a person changes, managedFields excuse none of it, as
// the API server's own code writes them.
func FuzzTracked(f *testing.F) {
	types := builtinTypes(f)
	objects := corpus(f)
	for i := range objects {
		f.Add(uint8(i), []byte{}, []byte{}, []byte{byte(i), 2, 7, 0}, false)
		f.Add(uint8(i), []byte{2, byte(i), 1}, []byte{byte(i), 1, 3, 0, 7, 1, 2}, []byte{2, 7, 1, byte(i), 0, 1, 5}, true)
	}
	f.Fuzz(func(t *testing.T, which uint8, gitScript, oldScript, newScript []byte, anonymous bool) {
		git := scripted(objects[int(which)%len(objects)], gitScript)
		text, kind := encode(git), typeOf(git)
		normal, err := types.Normalize(kind, text)
		if _, ok := git["metadata"].(map[string]any); err != nil || !ok || kind.Version == "" || strings.Contains(string(text), "managedFields") {
			return
		}
		base := fields.Plain(normal).(map[string]any)
		update := newAPIServer(kind).update("{}", []step{{manager: "agent", object: string(encode(scripted(base, oldScript)))}},
			step{manager: "kubectl-edit", object: string(encode(scripted(base, newScript)))})
		update.Declared = gitindex.NewManifest(text)
		if anonymous {
			update.Manager = ""
		}
		tracked, err := types.Compare(update)
		if err != nil {
			return
		}
		apart(t, types, update, tracked)
		update.Tracked = false
		untracked, err := types.Compare(update)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(untracked, tracked); diff != "" {
			t.Errorf("an excuse (-found +left):\n%s\ngit %s\nold %s\nnew %s", diff, text, update.Old, update.New)
		}
	})
}
