package fields_test

import (
	"strings"
	"testing"
)

func TestComparePutsBackWhatKubectlWrote(t *testing.T) {
	agent := step{manager: "agent", object: live}
	agents := func(object string) []step { return []step{{manager: "agent", object: object}} }
	by := func(manager, object string) []step { return []step{agent, {manager: manager, object: object}} }
	logsAt := func(path string) string {
		return edit("args: [serve, --fast]", "args: [serve, --fast]\n        terminationMessagePath: "+path)
	}
	const byDefault = "/dev/termination-log"
	portMoved := edit("containerPort: 80", "containerPort: 81")
	for _, test := range []struct {
		name    string
		history []step
		request step
		want    []string
	}{
		{name: "a label that kubectl added", history: by("kubectl-label", labelled("a: b")), request: step{manager: "kubectl-label", object: live}},
		{name: "a sidecar that kubectl added", history: by("kubectl-edit", withSidecar(live)), request: step{manager: "kubectl-replace", object: live}},
		{
			name: "a sidecar that kubectl applied", request: step{manager: "anyone", object: live},
			history: []step{agent, {manager: "kubectl", apply: true, object: "spec: {template: {spec: {containers: [{name: proxy, image: 'mesh:2'}]}}}"}},
		},
		{name: "a port that kubectl moved", history: by("kubectl-patch", portMoved), request: step{manager: "kubectl-patch", object: live}},
		{
			name: "a variable that kubectl added", request: step{manager: "kubectl-set", object: live},
			history: by("kubectl-set", edit("env: [{name: MODE", "env: [{name: DEBUG, value: '1'}, {name: MODE")),
		},
		{
			name: "a field that no schema knows", history: by("kubectl-patch", edit("dnsPolicy: ClusterFirst", "dnsPolicy: ClusterFirst\n      containers0: x")),
			request: step{manager: "kubectl-patch", object: live},
			want:    []string{`undeclared spec.template.spec.containers0: git -, old "x", new -`},
		},
		{
			name: "an undeclared list that is one value", history: by("kubectl-patch", edit("args: [serve, --fast]", "args: [serve, --fast]\n        command: [sh, -c]")),
			request: step{manager: "kubectl-patch", object: live},
		},
		{
			name: "an undeclared structure", history: by("kubectl-patch", edit("dnsPolicy: ClusterFirst", "dnsPolicy: ClusterFirst\n      securityContext: {runAsUser: 0}")),
			request: step{manager: "kubectl-patch", object: live},
		},
		{
			name: "a value in place of the API server's", request: step{manager: "kubectl-edit", object: logsAt(byDefault)},
			history: []step{{manager: "agent", object: logsAt(byDefault)}, {manager: "kubectl-edit", object: logsAt("/tmp/log")}},
		},
		{
			name: "a value in place of the API server's becomes a third one", request: step{manager: "kubectl-edit", object: logsAt("/tmp/other")},
			history: []step{{manager: "agent", object: logsAt(byDefault)}, {manager: "kubectl-edit", object: logsAt("/tmp/log")}},
			want:    []string{`undeclared spec.template.spec.containers[name=web].terminationMessagePath: git -, old "/tmp/log", new "/tmp/other"`},
		},
		{
			name: "the agent's value in place of the API server's", history: agents(logsAt("/tmp/log")),
			request: step{manager: "kubectl-edit", object: logsAt(byDefault)},
			want:    []string{`undeclared spec.template.spec.containers[name=web].terminationMessagePath: git -, old "/tmp/log", new "/dev/termination-log"`},
		},
		{
			name: "a label that the agent added", history: agents(labelled("a: b")), request: step{manager: "kubectl-label", object: live},
			want: []string{`undeclared metadata.labels: git -, old {"a":"b"}, new -`},
		},
		{
			name: "a label that a client like kubectl added", history: by("kubectlish", labelled("a: b")), request: step{manager: "kubectl-label", object: live},
			want: []string{`undeclared metadata.labels: git -, old {"a":"b"}, new -`},
		},
		{
			name: "labels of kubectl and of the agent", history: []step{{manager: "agent", object: labelled("a: b")}, {manager: "kubectl-label", object: labelled("a: b, c: d")}},
			request: step{manager: "kubectl-label", object: live},
			want:    []string{`undeclared metadata.labels: git -, old {"a":"b","c":"d"}, new -`},
		},
		{
			name: "kubectl's label beside the agent's", history: []step{{manager: "agent", object: labelled("a: b")}, {manager: "kubectl-label", object: labelled("a: b, c: d")}},
			request: step{manager: "kubectl-label", object: labelled("a: b")},
		},
		{
			name: "a label that both set", history: []step{
				{manager: "agent", apply: true, object: "metadata: {labels: {a: b}}"}, {manager: "kubectl", apply: true, object: "metadata: {labels: {a: b}}"},
			},
			request: step{manager: "kubectl-label", object: "spec: {}"},
			want:    []string{`undeclared metadata.labels: git -, old {"a":"b"}, new -`},
		},
		{
			name: "a label that a mutator added", history: []step{{manager: "agent", object: live, mutate: meshLabel}}, request: step{manager: "kubectl-label", object: live},
			want: []string{`undeclared metadata.labels: git -, old {"mesh":"on"}, new -`},
		},
		{
			name: "a label that a mutator added beside kubectl's", history: []step{agent, {manager: "kubectl-label", object: labelled("c: d"), mutate: meshLabel}},
			request: step{manager: "kubectl-label", object: live},
			want:    []string{`undeclared metadata.labels: git -, old {"c":"d","mesh":"on"}, new -`},
		},
		{
			name: "a sidecar that a mutator added", history: []step{{manager: "agent", object: live, mutate: sidecar}}, request: step{manager: "kubectl-edit", object: live},
			want: []string{`undeclared spec.template.spec.containers[name=proxy]: git -, old {"image":"mesh:2","name":"proxy"}, new -`},
		},
		{
			name: "a sidecar that a mutator added and kubectl changed", request: step{manager: "kubectl-edit", object: live},
			history: []step{{manager: "agent", object: live, mutate: sidecar}, {manager: "kubectl-edit", object: strings.Replace(withSidecar(live), "mesh:2", "mesh:3", 1)}},
			want:    []string{`undeclared spec.template.spec.containers[name=proxy]: git -, old {"image":"mesh:3","name":"proxy"}, new -`},
		},
		{
			name: "a finalizer", history: by("kubectl-edit", edit(`metadata: {`, `metadata: {finalizers: [example.com/x], `)), request: step{manager: "kubectl-edit", object: live},
			want: []string{`undeclared metadata.finalizers: git -, old ["example.com/x"], new -`},
		},
		{
			name:    "a finalizer among others",
			history: []step{{manager: "agent", object: edit(`metadata: {`, `metadata: {finalizers: [example.com/x], `)}, {manager: "kubectl-edit", object: edit(`metadata: {`, `metadata: {finalizers: [example.com/x, example.com/y], `)}},
			request: step{manager: "kubectl-edit", object: edit(`metadata: {`, `metadata: {finalizers: [example.com/x], `)},
			want:    []string{`undeclared metadata.finalizers[example.com/y]: git -, old "example.com/y", new -`},
		},
		{
			name:    "an owner",
			history: by("kubectl-edit", edit(`metadata: {`, `metadata: {ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: u}], `)), request: step{manager: "kubectl-edit", object: live},
			want: []string{`undeclared metadata.ownerReferences: git -, old [{"apiVersion":"v1","kind":"Pod","name":"p","uid":"u"}], new -`},
		},
		{
			name: "managedFields are reset along with it", history: by("kubectl-label", labelled("a: b")), request: step{manager: "kubectl-label", object: tracked(live, "{}")},
		},
		{
			name: "managedFields were reset before", history: []step{agent, {manager: "kubectl-label", object: tracked(labelled("a: b"), "{}")}},
			request: step{manager: "kubectl-label", object: live},
			want:    []string{`undeclared metadata.labels: git -, old {"a":"b"}, new -`},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			update := newAPIServer(deployment).update(web, test.history, test.request)
			expect(t, update, false, test.want)
		})
	}
}
