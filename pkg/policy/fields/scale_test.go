package fields_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

func TestAScaleStandsForTheFieldThatItsKindSays(t *testing.T) {
	types := gadgets(t)
	const unknown = "which field its scale changes is not known, as the CustomResourceDefinition of its kind has not been read: try again, or change that field itself"
	for _, test := range []struct {
		name     string
		kind     kschema.GroupVersionKind // Gadget v1 if empty
		version  string                   // Git's
		git      string
		old, new string
		ignored  string
		want     []string
		same     bool // nothing changes
		isOnly   bool // an ignored field does
		unread   bool
		err      string
	}{
		{
			name: "another count than Git's", git: "spec: {size: 1, mode: Slow}", old: "spec: {replicas: 1}", new: "spec: {replicas: 3}",
			want: []string{"declared spec.size: git 1, old 1, new 3"},
		},
		{name: "a return to Git's count", git: "spec: {size: 1}", old: "spec: {replicas: 3}", new: "spec: {replicas: 1}"},
		{name: "a return to Git's 0, which a Scale leaves out", git: "spec: {size: 0}", old: "spec: {replicas: 3}", new: "spec: {}"},
		{name: "the count stays as it is, and other than Git's", git: "spec: {size: 1}", old: "spec: {replicas: 3}", new: "metadata: {labels: {a: b}}\nspec: {replicas: 3}", same: true},
		{
			name: "Git leaves the field open", git: "spec: {mode: Slow}", old: "spec: {replicas: 1}", new: "spec: {replicas: 3}",
			want: []string{"undeclared spec.size: git -, old 1, new 3"},
		},
		{
			name: "Git declares spec.replicas, which is another field", git: "spec: {replicas: 3, free: {}}", old: "spec: {replicas: 1}", new: "spec: {replicas: 3}",
			want: []string{"undeclared spec.size: git -, old 1, new 3"},
		},
		{name: "the field is ignored", git: "spec: {size: 1}", old: "spec: {replicas: 1}", new: "spec: {replicas: 3}", ignored: "spec.size", same: true, isOnly: true},
		{
			name: "spec.replicas is ignored, which is another field", git: "spec: {size: 1}", old: "spec: {replicas: 1}", new: "spec: {replicas: 3}", ignored: "spec.replicas",
			want: []string{"declared spec.size: git 1, old 1, new 3"},
		},
		{
			name: "the field is further down", kind: gadgetV2, git: "spec: {size: 1, scaling: {least: 1, count: 2}}", old: "spec: {replicas: 2}", new: "spec: {replicas: 1}",
			want: []string{"declared spec.scaling.count: git 2, old 2, new 1"},
		},
		{name: "a return to Git's count further down", kind: gadgetV2, git: "spec: {scaling: {least: 1, count: 2}}", old: "spec: {replicas: 1}", new: "spec: {replicas: 2}"},
		{
			name: "Git leaves the field out of what it declares as a whole", kind: gadgetV2, git: "spec: {scaling: {least: 1}}", old: "spec: {replicas: 2}", new: "spec: {replicas: 1}",
			want: []string{"declared spec.scaling.count: git -, old 2, new 1"},
		},
		{
			name: "Git declares another version, of the same fields: the request's says which", kind: gadgetV2, version: "v1", git: "spec: {size: 1, scaling: {count: 2}}",
			old: "spec: {replicas: 2}", new: "spec: {replicas: 1}",
			want: []string{"declared spec.scaling.count: git 2, old 2, new 1"},
		},
		{
			name: "Git declares another version, of which the request's has not all", kind: gadgetV2, version: "v1", git: "spec: {old: a, scaling: {count: 2}}",
			old: "spec: {replicas: 1}", new: "spec: {replicas: 2}", unread: true,
			want: []string{"declared spec.scaling.count: git -, old 1, new 2"},
		},
		{
			name: "Git declares another version of a built-in kind", kind: deployment, version: "v1beta1", git: web, old: "spec: {replicas: 1}", new: "spec: {replicas: 3}",
			want: []string{"declared spec.replicas: git 1, old 1, new 3"},
		},
		{name: "the kind's definition isn't known", kind: widget, git: "metadata: {name: a}\nspec: {replicas: 1}", old: "spec: {replicas: 1}", new: "spec: {replicas: 3}", err: unknown},
		{name: "that of another version isn't either", kind: gadget.GroupKind().WithVersion("v3"), git: "spec: {size: 1}", old: "spec: {replicas: 3}", new: "spec: {replicas: 1}", err: unknown},
		{name: "it isn't known, and nothing changes", kind: widget, git: "spec: {replicas: 1}", old: "spec: {replicas: 3}", new: "spec: {replicas: 3}", same: true},
		{
			name: "it isn't known, and Git is silent about the object", kind: widget, git: "{}", old: "spec: {replicas: 1}", new: "spec: {replicas: 3}",
			want: []string{"undeclared spec.replicas: git -, old 1, new 3"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			kind := gadget
			if !test.kind.Empty() {
				kind = test.kind
			}
			update := fields.Update{Type: kind, Version: test.version, Declared: gitindex.NewManifest(toJSON(t, test.git)), Old: toJSON(t, test.old), New: toJSON(t, test.new), Part: fields.Scale}
			if test.ignored != "" {
				pattern, err := fields.ParsePattern(test.ignored)
				if err != nil {
					t.Fatal(err)
				}
				update.Ignored = []fields.Ignore{pattern}
			}
			change, err := types.Compare(update)
			said := ""
			if err != nil {
				said = err.Error()
			}
			if said != test.err {
				t.Fatalf("error %q, want %q", said, test.err)
			}
			if diff := cmp.Diff(test.want, describeAll(change)); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
			if err == nil && (change.Any == test.same || change.Ignored != test.isOnly || change.Unread != test.unread) {
				t.Errorf("Any is %t, Ignored %t, Unread %t", change.Any, change.Ignored, change.Unread)
			}
		})
	}
}
