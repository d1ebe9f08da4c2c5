package fields_test

import (
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

func TestHiddenFieldsAreComparedButNotShown(t *testing.T) {
	const (
		git    = `{spec: {replicas: 1, token: g1t, options: {user: ann, key: k3y}, list: [{name: a, value: v1}, {name: b, value: v2}]}}`
		change = "declared spec.token: git (hidden), old (hidden), new (hidden)"
	)
	for _, test := range []struct {
		ignoring
		hidden string
	}{
		{ignoring{name: "a field changes", kind: widget, git: git, old: `{spec: {token: g1t}}`, new: `{spec: {token: 0ther}}`, any: true, want: []string{change}}, "spec.token"},
		{ignoring{name: "a field goes", kind: widget, git: git, old: `{spec: {replicas: 1, token: g1t}}`, new: `{spec: {replicas: 1}}`, any: true, want: []string{"declared spec.token: git (hidden), old (hidden), new -"}}, "spec.token"},
		{ignoring{name: "a field takes Git's value", kind: widget, git: git, old: `{spec: {token: 0ther}}`, new: `{spec: {token: g1t}}`, any: true}, "spec.token"},
		{ignoring{name: "another field is shown", kind: widget, git: git, old: `{spec: {replicas: 1}}`, new: `{spec: {replicas: 2}}`, any: true, want: []string{"declared spec.replicas: git 1, old 1, new 2"}}, "spec.token"},
		{ignoring{name: "one whose name begins alike is shown", kind: widget, git: git, old: `{spec: {tokens: 1}}`, new: `{spec: {tokens: 2}}`, any: true, want: []string{"undeclared spec.tokens: git -, old 1, new 2"}}, "spec.token"},
		{ignoring{name: "a parent goes as a whole", kind: widget, git: git, old: `{spec: {replicas: 1, options: {user: ann, key: k3y}}}`, new: `{spec: {replicas: 1}}`, any: true,
			want: []string{"declared spec.options: git (hidden), old (hidden), new -"}}, "spec.options.key"},
		{ignoring{name: "a parent comes as a whole", kind: widget, git: `{spec: {replicas: 1}}`, old: `{spec: {replicas: 1}}`, new: `{spec: {replicas: 1, options: {key: k3y}}}`, any: true,
			want: []string{"undeclared spec.options: git -, old -, new (hidden)"}}, "spec.options.key"},
		{ignoring{name: "names inside aren't shown", kind: widget, git: git, old: `{spec: {options: {user: ann, key: k3y}}}`, new: `{spec: {options: {user: bob, key: 0ther}}}`, any: true,
			want: []string{"declared spec.options: git (hidden), old (hidden), new (hidden)"}}, "spec.options"},
		{ignoring{name: "a list that is one value", kind: widget, git: git, old: `{spec: {list: [{name: a, value: v1}, {name: b, value: v2}]}}`, new: `{spec: {list: [{name: a, value: v1}]}}`, any: true,
			want: []string{"declared spec.list: git (hidden), old (hidden), new (hidden)"}}, "spec.list[name=b].value"},
		{ignoring{name: "an item by its key, of a list without keys", kind: widget, git: git, old: `{spec: {list: [{name: a, value: v1}, {name: b, value: v2}]}}`, new: `{spec: {list: [{name: a, value: v1}, {name: b, value: v3}]}}`, any: true,
			want: []string{"declared spec.list[1].value: git (hidden), old (hidden), new (hidden)"}}, "spec.list[name=b].value"},
		{ignoring{name: "an item by its place, of a list with keys", git: twoContainers, old: twoContainers, new: changing("image: a", "image: c"), any: true,
			want: []string{"declared spec.template.spec.containers[name=web].image: git (hidden), old (hidden), new (hidden)"}}, "spec.template.spec.containers[0].image"},
		{ignoring{name: "another item is shown", git: twoContainers, old: twoContainers, new: changing("image: a", "image: c"), any: true, want: []string{webImage}}, "spec.template.spec.containers[name=log].image"},
		{ignoring{name: "an item by some of its keys", git: changing("image: a", "image: a, ports: [{containerPort: 80, hostIP: i1}]"), old: changing("image: a", "image: a, ports: [{containerPort: 80, protocol: TCP, hostIP: i1}]"),
			new: changing("image: a", "image: a, ports: [{containerPort: 80, protocol: TCP, hostIP: i2}]"), any: true,
			want: []string{"declared spec.template.spec.containers[name=web].ports[containerPort=80,protocol=TCP].hostIP: git (hidden), old (hidden), new (hidden)"}}, "spec.template.spec.containers[name=web].ports[containerPort=80].hostIP"},
		{ignoring{name: "items of a set", git: `{metadata: {finalizers: [s3cret]}}`, old: `{metadata: {finalizers: [s3cret, a]}}`, new: `{metadata: {finalizers: [other]}}`, any: true,
			want: []string{"declared metadata.finalizers: git (hidden), old (hidden), new (hidden)", "undeclared metadata.finalizers: git -, old (hidden), new (hidden)"}}, "metadata.finalizers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.update.Hidden = []string{test.hidden}
			test.run(t)
		})
	}
}

func TestAnErrorQuotesNoHiddenField(t *testing.T) {
	_, err := builtinTypes(t).Compare(fields.Update{
		Type: deployment, Old: []byte(`{}`), New: []byte(`{}`), Hidden: []string{"metadata.creationTimestamp"},
		Declared: gitindex.NewManifest([]byte(`{"metadata":{"creationTimestamp":"s3cret"}}`)),
	})
	if want := "reading what Git declares: a value in it doesn't fit its field (not shown)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
