package fields_test

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"gitonly.dev/gitonly/pkg/policy/fields"
)

const (
	pin      = "@sha256:1111111111111111111111111111111111111111111111111111111111111111"
	otherPin = "@sha256:2222222222222222222222222222222222222222222222222222222222222222"
)

func set(value any, path ...string) func(map[string]any) {
	return func(object map[string]any) {
		if err := unstructured.SetNestedField(object, value, path...); err != nil {
			panic(err)
		}
	}
}

func containers(change func([]any) []any) func(map[string]any) {
	path := []string{"spec", "template", "spec", "containers"}
	return func(object map[string]any) {
		items, _, err := unstructured.NestedSlice(object, path...)
		if err != nil {
			panic(err)
		}
		set(change(items), path...)(object)
	}
}

func image(name string) func(map[string]any) {
	return containers(func(items []any) []any {
		items[0].(map[string]any)["image"] = name
		return items
	})
}

var (
	meshLabel = set("on", "metadata", "labels", "mesh")
	sidecar   = containers(func(items []any) []any {
		return append([]any{map[string]any{"name": "proxy", "image": "mesh:2"}}, items...)
	})
)

// variables gives the first container an environment.
func variables(names ...string) func(map[string]any) {
	return containers(func(items []any) []any {
		env := make([]any, len(names))
		for i, name := range names {
			env[i] = map[string]any{"name": name}
		}
		items[0].(map[string]any)["env"] = env
		return items
	})
}

// labelled is live with labels.
func labelled(labels string) string {
	return edit(`metadata: {resourceVersion: "7"`, `metadata: {labels: {`+labels+`}, resourceVersion: "7"`)
}

func annotated(annotations string) string {
	return edit(`metadata: {resourceVersion: "7"`, `metadata: {annotations: {`+annotations+`}, resourceVersion: "7"`)
}

func drift(object string) string { return strings.Replace(object, "replicas: 1", "replicas: 5", 1) }

func withSidecar(object string) string {
	return strings.Replace(object, "      containers:\n", "      containers:\n      - {name: proxy, image: \"mesh:2\"}\n", 1)
}

// tracked is live with managedFields that the client sends.
func tracked(object, entries string) string {
	return strings.Replace(object, `metadata: {`, `metadata: {managedFields: [`+entries+`], `, 1)
}

// crowd is the entries of an old manager and of nine from the future. With one
// more the API server merges two.
func crowd() string {
	var entries []string
	for i := range 10 {
		entries = append(entries, fmt.Sprintf(`{manager: m%d, operation: Update, apiVersion: apps/v1, time: "%d-01-01T00:00:00Z", fieldsType: FieldsV1, fieldsV1: {"f:spec": {"f:paused": {}, "f:replicas": {}}}}`, i, 2000+100*i))
	}
	return strings.Join(entries, ", ")
}

const proxyByHand = `undeclared spec.template.spec.containers[name=proxy]: git -, old -, new {"image":"mesh:2","name":"proxy"}`

func TestCompareTellsWhoChangedWhat(t *testing.T) {
	agent := step{manager: "agent", object: live}
	drifted := step{manager: "agent", object: edit("replicas: 1", "replicas: 5")}
	for _, test := range []struct {
		name    string
		history []step
		request step
		change  func(*fields.Update)
		unread  bool
		want    []string
	}{
		{
			name: "a mutator adds a label to a converging update", history: []step{drifted},
			request: step{manager: "kubectl-scale", object: live, mutate: meshLabel},
		},
		{
			name: "a person adds the label by hand", history: []step{drifted},
			request: step{manager: "kubectl-edit", object: labelled("mesh: 'on'")},
			want:    []string{`undeclared metadata.labels: git -, old -, new {"mesh":"on"}`},
		},
		{
			name: "a mutator and a person add a label each", history: []step{agent},
			request: step{manager: "kubectl-edit", object: labelled("mine: x"), mutate: meshLabel},
			want:    []string{`undeclared metadata.labels: git -, old -, new {"mesh":"on","mine":"x"}`},
		},
		{
			name: "a mutator adds a label beside others", history: []step{{manager: "agent", object: drift(labelled("a: b"))}},
			request: step{manager: "kubectl-scale", object: labelled("a: b"), mutate: meshLabel},
		},
		{
			name: "a mutator adds an annotation beside kubectl's own", history: []step{{manager: "agent", object: drift(annotated("kubectl.kubernetes.io/last-applied-configuration: '{}'"))}},
			request: step{
				manager: "kubectl-client-side-apply", object: annotated("kubectl.kubernetes.io/last-applied-configuration: '{ }'"),
				mutate: set("on", "metadata", "annotations", "mesh"),
			},
		},
		{
			name: "a mutator adds a sidecar to a converging update", history: []step{drifted},
			request: step{manager: "kubectl-scale", object: live, mutate: sidecar},
		},
		{
			name: "a person adds the sidecar by hand", history: []step{agent},
			request: step{manager: "kubectl-edit", object: withSidecar(live)},
			want:    []string{proxyByHand},
		},
		{
			name: "a mutator adds a sidecar to a server-side apply that converges", history: []step{drifted},
			request: step{manager: "kubectl", apply: true, object: "metadata: {uid: 3c7a}\nspec: {replicas: 1}", mutate: sidecar},
		},
		{
			name: "a person adds the sidecar by server-side apply", history: []step{agent},
			request: step{manager: "kubectl", apply: true, object: "spec: {template: {spec: {containers: [{name: proxy, image: 'mesh:2'}]}}}"},
			want:    []string{`undeclared spec.template.spec.containers[name=proxy]: git -, old -, new {"image":"mesh:2","name":"proxy"}`},
		},
		{
			name: "a person applies a sidecar that a mutator completes", history: []step{agent},
			request: step{
				manager: "kubectl", apply: true, object: "spec: {template: {spec: {containers: [{name: proxy, image: 'mesh:2'}]}}}",
				mutate: func(object map[string]any) {
					containers(func(items []any) []any {
						items[len(items)-1].(map[string]any)["stdin"] = true
						return items
					})(object)
				},
			},
			want: []string{`undeclared spec.template.spec.containers[name=proxy]: git -, old -, new {"image":"mesh:2","name":"proxy","stdin":true}`},
		},
		{
			name: "a mutator replaces what it added before", history: []step{{manager: "agent", object: edit("replicas: 1", "replicas: 5"), mutate: sidecar}},
			request: step{manager: "kubectl-scale", object: withSidecar(live), mutate: image("mesh:3")},
		},
		{
			name: "a person replaces what a mutator added before", history: []step{{manager: "agent", object: live, mutate: sidecar}},
			request: step{manager: "kubectl-set", object: strings.Replace(withSidecar(live), "mesh:2", "evil:1", 1)},
			want:    []string{`undeclared spec.template.spec.containers[name=proxy].image: git -, old "mesh:2", new "evil:1"`},
		},
		{
			name: "a mutator changes the agent's undeclared value", history: []step{drifted},
			request: step{manager: "kubectl-scale", object: live, mutate: set(int64(2), "spec", "revisionHistoryLimit")},
		},
		{
			name: "the same, but the requester's name is not known", history: []step{drifted},
			request: step{manager: "kubectl-scale", object: live, mutate: set(int64(2), "spec", "revisionHistoryLimit")},
			change:  func(u *fields.Update) { u.Manager = "" },
			want:    []string{"undeclared spec.revisionHistoryLimit: git -, old 10, new 2"},
		},
		{
			name: "the requester has the agent's name", history: []step{agent, {manager: "kubectl-scale", object: drift(live)}},
			request: step{manager: "agent", object: live, mutate: set(int64(2), "spec", "revisionHistoryLimit")},
			want:    []string{"undeclared spec.revisionHistoryLimit: git -, old 10, new 2"},
		},
		{
			name: "a person changes an undeclared value", history: []step{agent},
			request: step{manager: "kubectl-edit", object: edit("revisionHistoryLimit: 10", "revisionHistoryLimit: 2")},
			want:    []string{"undeclared spec.revisionHistoryLimit: git -, old 10, new 2"},
		},
		{
			name: "a person leaves the agent's value out, and a mutator fills it in", history: []step{agent},
			request: step{manager: "kubectl-replace", object: edit("  revisionHistoryLimit: 10\n", ""), mutate: set(int64(2), "spec", "revisionHistoryLimit")},
			want:    []string{"undeclared spec.revisionHistoryLimit: git -, old 10, new 2"},
		},
		{
			name: "a person gives up an undeclared value, and a default takes its place", history: []step{drifted, {manager: "kubectl", apply: true, object: "spec: {replicas: 5, minReadySeconds: 9}"}},
			request: step{manager: "kubectl", apply: true, object: "spec: {replicas: 1}", mutate: set(int64(1), "spec", "minReadySeconds")},
			want:    []string{"undeclared spec.minReadySeconds: git -, old 9, new 1"},
		},
		{
			name: "a mutator turns a declared tag into its digest", history: []step{drifted},
			request: step{manager: "kubectl-scale", object: live, mutate: image("nginx:1.25" + pin)},
		},
		{
			name: "a mutator turns a declared tag into a digest alone", history: []step{drifted},
			request: step{manager: "kubectl-scale", object: live, mutate: image("nginx" + pin)},
		},
		{
			name: "a mutator finds another digest for the tag", history: []step{{manager: "agent", object: edit("replicas: 1", "replicas: 5"), mutate: image("nginx" + pin)}},
			request: step{manager: "kubectl-scale", object: edit("nginx:1.25", "nginx"+pin), mutate: image("nginx" + otherPin)},
		},
		{
			name: "a person chooses the digest", history: []step{agent},
			request: step{manager: "kubectl-set", object: edit("nginx:1.25", "nginx:1.25"+pin)},
			want:    []string{`declared spec.template.spec.containers[name=web].image: git "nginx:1.25", old "nginx:1.25", new "nginx:1.25` + pin + `"`},
		},
		{
			name: "a mutator takes an image from a mirror", history: []step{drifted},
			request: step{manager: "kubectl-scale", object: live, mutate: image("mirror.example.com/nginx:1.25" + pin)},
			want:    []string{`declared spec.template.spec.containers[name=web].image: git "nginx:1.25", old "nginx:1.25", new "mirror.example.com/nginx:1.25` + pin + `"`},
		},
		{
			name: "a mutator changes another declared field", history: []step{agent},
			request: step{manager: "kubectl-label", object: live, mutate: set(int64(3), "spec", "replicas")},
			want:    []string{"declared spec.replicas: git 1, old 1, new 3"},
		},
		{
			name: "a mutator and a person change the same update", history: []step{agent},
			request: step{manager: "kubectl-edit", object: edit("replicas: 1", "replicas: 4"), mutate: sidecar},
			want:    []string{"declared spec.replicas: git 1, old 1, new 4"},
		},
		{
			name: "managedFields are reset in the update", history: []step{agent},
			request: step{manager: "kubectl-edit", object: tracked(withSidecar(live), `{}`)},
			want:    []string{proxyByHand},
		},
		{
			name: "managedFields are emptied before the update", history: []step{agent, {manager: "kubectl-edit", object: tracked(live, `{}`)}},
			request: step{manager: "kubectl-edit", object: withSidecar(live)},
			want:    []string{proxyByHand},
		},
		{
			name: "managedFields come with the update", history: []step{agent},
			request: step{manager: "kubectl-edit", object: tracked(withSidecar(live), `{manager: mesh, operation: Update, apiVersion: apps/v1, fieldsType: FieldsV1, fieldsV1: {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"proxy"}': {".": {}, "f:image": {}, "f:name": {}}}}}}}}`)},
			want:    []string{proxyByHand},
		},
		{
			name: "managedFields come that don't fit the object", history: []step{agent},
			request: step{manager: "kubectl-edit", object: tracked(withSidecar(live), `{manager: mesh, operation: Update, apiVersion: apps/v1, fieldsType: FieldsV1, fieldsV1: {"f:spec": {"f:template": {"f:spec": {"f:containers": {"f:proxy": {"v:1": {}, 'k:{"name":1}': {"i:5": {}}}}}}}}}`)},
			want:    []string{proxyByHand},
		},
		{
			name: "managedFields made to own what comes later", history: []step{agent, {manager: "kubectl-edit", object: tracked(live, `{manager: kubectl-edit, operation: Update, apiVersion: apps/v1, fieldsType: FieldsV1, fieldsV1: {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"proxy"}': {"f:image": {}}}}}}}}`)}},
			request: step{manager: "kubectl-edit", object: withSidecar(live)},
			want:    []string{proxyByHand},
		},
		{
			name: "an update that left no mark in managedFields", history: []step{agent},
			request: step{manager: "kubectl-edit", object: live, mutate: sidecar},
			want:    []string{proxyByHand},
		},
		{
			name: "a requester takes the name under which the API server forgets the oldest", history: []step{drifted, {manager: "agent", object: tracked(drift(live), crowd())}},
			request: step{manager: "ancient-changes", object: withSidecar(live)},
			want:    []string{proxyByHand},
		},
		{
			name: "managedFields of another version tell nothing", history: []step{drifted},
			request: step{manager: "kubectl-scale", object: live, mutate: sidecar},
			change: func(u *fields.Update) {
				u.New = []byte(strings.ReplaceAll(string(u.New), `"apiVersion":"apps/v1","fieldsType"`, `"apiVersion":"apps/v1beta2","fieldsType"`))
			},
			want: []string{proxyByHand},
		},
		{
			name: "a mutator in the way of an update in another version than Git's", history: []step{drifted},
			request: step{manager: "kubectl-scale", object: live, mutate: sidecar}, unread: true,
			want: []string{"declared spec.replicas: git -, old 5, new 1", strings.Replace(proxyByHand, "undeclared", "declared", 1)},
		},
		{
			name: "a subresource's managedFields tell nothing", history: []step{drifted},
			request: step{manager: "kubectl-scale", object: live, mutate: sidecar},
			change:  func(u *fields.Update) { u.Tracked = false },
			want:    []string{proxyByHand},
		},
		{
			name: "the order of a list is nobody's", history: []step{{manager: "agent", object: drift(withSidecar(live)), mutate: variables("A", "B")}},
			request: step{manager: "kubectl-edit", object: withSidecar(live), mutate: variables("B", "A")},
			want:    []string{`undeclared spec.template.spec.containers[name=proxy].env: git -, old ["name=A","name=B"], new ["name=B","name=A"]`},
		},
		{
			name: "two items of one key are nobody's", history: []step{{manager: "agent", object: drift(withSidecar(live)), mutate: variables("A", "B", "A")}},
			request: step{manager: "kubectl-edit", object: withSidecar(live), mutate: variables("B", "A", "A")},
			want: []string{
				`undeclared spec.template.spec.containers[name=proxy].env[0].name: git -, old "A", new "B"`,
				`undeclared spec.template.spec.containers[name=proxy].env[1].name: git -, old "B", new "A"`,
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			update := newAPIServer(deployment).update(web, test.history, test.request)
			if test.change != nil {
				test.change(&update)
			}
			expect(t, update, test.unread, test.want)
		})
	}
}
