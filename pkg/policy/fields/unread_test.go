package fields_test

import (
	"testing"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

func TestCompareUnread(t *testing.T) {
	for _, test := range []struct {
		name          string
		kind          kschema.GroupVersionKind
		git, old, new string
		part          fields.Part
		want          []string
	}{
		{
			name: "metadata is the same in all versions", kind: deployment, git: "metadata: {labels: {a: b}}\nspec: {replicas: 1}",
			old: "metadata: {labels: {a: c}}", new: "metadata: {labels: {a: b, c: d}}",
			want: []string{`undeclared metadata.labels.c: git -, old -, new "d"`},
		},
		{
			name: "every other change is one of a declared field", kind: deployment, git: "spec: {replicas: 1}",
			old: "spec: {paused: false}", new: "spec: {paused: true}",
			want: []string{`declared spec.paused: git -, old false, new true`},
		},
		{
			name: "a value that the API server might have filled in is a change too", kind: deployment, git: "spec: {strategy: {}}",
			old: "spec: {strategy: {type: RollingUpdate}}", new: `spec: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: "25%", maxUnavailable: "25%"}}}`,
			want: []string{`declared spec.strategy.rollingUpdate: git -, old -, new {"maxSurge":"25%","maxUnavailable":"25%"}`},
		},
		{
			name: "status counts where Git declares it", kind: deployment, git: "status: {replicas: 1}",
			old: "status: {replicas: 1}", new: "status: {replicas: 2}",
			want: []string{`declared status.replicas: git -, old 1, new 2`},
		},
		{
			name: "status counts in its own subresource where Git declares it", kind: deployment, git: "status: {replicas: 1}", part: fields.Status,
			old: "status: {replicas: 1}", new: "status: {replicas: 2}",
			want: []string{`declared status.replicas: git -, old 1, new 2`},
		},
		{
			name: "status doesn't count where Git is silent", kind: deployment, git: "spec: {replicas: 1}",
			old: "status: {replicas: 1}", new: "status: {replicas: 2}",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			expect(t, fields.Update{
				Type: test.kind, Declared: gitindex.NewManifest(toJSON(t, test.git)), Old: toJSON(t, test.old), New: toJSON(t, test.new), Part: test.part,
			}, true, test.want)
		})
	}
}
