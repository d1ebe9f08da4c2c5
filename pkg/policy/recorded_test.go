package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

// recorded is a snapshot of a source that only its agent can render, which
// applies the guestbook. path is where in the repository it is.
func recorded(path string) *gitindex.Snapshot {
	location := gitindex.Location{Path: path, Render: gitindex.Unrendered, Build: gitindex.Build{
		Why:     "it is rendered by the plugin cdk8s",
		Ignores: []gitindex.FieldIgnore{{Group: "apps", Kind: "*", Pointers: []string{"/spec/paused"}}},
	}}
	return gitindex.NewSnapshot([]gitindex.SourceState{{
		Source: gitindex.Source{
			Name: "Application argocd/guestbook", Repository: gitindex.Repository{URL: "https://git.example.com/org/infra.git"},
			Locations: []gitindex.Location{location},
			Recorded:  []gitindex.Recorded{{Key: gitindex.Key{Group: "apps", Kind: "Deployment", Namespace: "staging", Name: "guestbook"}, APIVersion: "apps/v1"}},
		},
		CheckedAt: arrival.Add(-12 * time.Second),
		Locations: []gitindex.LocationState{{Location: location}},
	}})
}

func TestDecideOnWhatIsKnownByTheAgentsRecordAlone(t *testing.T) {
	const (
		applied  = "gitonly: Deployment staging/guestbook is applied by the sync agent: Application argocd/guestbook."
		every    = applied + "\ngitonly can't render what is in Git, so every field counts as Git's.\nThis request changes:\n"
		there    = "\nChange it there: apps/guestbook in https://git.example.com/org/infra.git"
		paused   = `{metadata: {name: guestbook, namespace: staging, labels: {app: guestbook}}, spec: {paused: true, replicas: 1, template: {spec: {containers: [{name: web, image: "nginx:1.25"}]}}}}`
		adopted  = `{metadata: {name: guestbook, namespace: staging, labels: {app: guestbook}, ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: gone, uid: u}]}, spec: {replicas: 1, template: {spec: {containers: [{name: web, image: "nginx:1.25"}]}}}}`
		noticed  = `{metadata: {name: guestbook, namespace: staging, generation: 2, labels: {app: guestbook}, annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}}, spec: {replicas: 1, template: {spec: {containers: [{name: web, image: "nginx:1.25"}]}}}}`
		mine     = `{metadata: {name: guestbook, namespace: staging, labels: {app: guestbook, mine: x}, managedFields: [{manager: kubectl-edit, operation: Update, apiVersion: apps/v1, fieldsV1: {"f:metadata": {"f:labels": {"f:mine": {}}}}}]}, spec: {replicas: 1, template: {spec: {containers: [{name: web, image: "nginx:1.25"}]}}}}`
		replicas = "  spec.replicas: the request changes it from 1 to 5"
	)
	lenient := `{mode: Enforce, undeclaredFields: {people: Allow}}`
	strict := `{mode: Enforce, undeclaredFields: {serviceAccounts: Deny}}`
	for _, test := range []struct {
		name    string
		policy  string // enforce if empty
		path    string // apps/guestbook if empty
		request policy.Request
		outcome policy.Outcome
		reason  policy.Reason
		message string
	}{
		{name: "a person changes a field", request: request(t, person, policy.Update, guestbook, scaled),
			reason: policy.RecordedObjectChanged, message: every + replicas + there},
		{name: "whatever undeclaredFields says of people", policy: lenient, request: request(t, person, policy.Update, guestbook, scaled),
			reason: policy.RecordedObjectChanged, message: every + replicas + there},
		{name: "a person scales it", policy: lenient, request: request(t, person, policy.Update, scale1, scale5, scaling),
			reason: policy.RecordedObjectChanged, message: every + replicas + there},
		{name: "a person adds a sidecar", request: request(t, person, policy.Update, guestbook, sidecar),
			reason: policy.RecordedObjectChanged, message: every + `  spec.template.spec.containers[name=spy]: the request adds {"image":"evil","name":"spy"}` + there},
		{name: "a person takes back what kubectl wrote", request: request(t, person, policy.Update, mine, guestbook),
			reason: policy.RecordedObjectChanged, message: every + "  metadata.labels.mine: the request removes \"x\"" + there},
		{name: "in another API version", request: request(t, person, policy.Update, guestbook, scaled, func(r *policy.Request) { r.Version, r.Type.Version = "v1beta1", "v1beta1" }),
			reason: policy.RecordedObjectChanged, message: every + replicas + there},
		{name: "in Audit mode", policy: audit, request: request(t, person, policy.Update, guestbook, scaled),
			outcome: policy.Warn, reason: policy.RecordedObjectChanged, message: strings.NewReplacer("gitonly: ", "gitonly: would be refused, but for Audit mode: ", "\nThis request changes:", "").Replace(every) + replicas + there},
		{name: "of a source at the root", path: ".", request: request(t, person, policy.Update, guestbook, scaled),
			reason: policy.RecordedObjectChanged, message: every + replicas + "\nChange it there: https://git.example.com/org/infra.git"},
		{name: "bookkeeping is no change", request: request(t, person, policy.Update, guestbook, noticed),
			outcome: policy.Allow, reason: policy.Unchanged},
		{name: "what the agent leaves alone may change", request: request(t, person, policy.Update, guestbook, paused),
			outcome: policy.Allow, reason: policy.IgnoredFieldChanged},
		{name: "a service account changes a field", request: request(t, robot, policy.Update, guestbook, scaled),
			outcome: policy.Allow, reason: policy.UndeclaredFieldChanged},
		{name: "a service account does, where the policy says no", policy: strict, request: request(t, robot, policy.Update, guestbook, scaled),
			reason: policy.RecordedObjectChanged, message: every + replicas + there},
		{name: "a service account gives it an owner", request: request(t, robot, policy.Update, guestbook, adopted),
			reason: policy.RecordedObjectChanged, message: every + `  metadata.ownerReferences: the request adds [{"apiVersion":"v1","kind":"ConfigMap","name":"gone","uid":"u"}]` + there},
		{name: "the agent may", request: request(t, agent, policy.Update, guestbook, scaled),
			outcome: policy.Allow, reason: policy.AgentActor},
		{name: "a person creates it", request: request(t, person, policy.Create, "", guestbook),
			reason: policy.DeclaredObjectCreated, message: applied + "\nThe sync agent creates it: wait for its next sync, or start one.\nTo change it first, edit apps/guestbook in https://git.example.com/org/infra.git"},
		{name: "a person deletes it", request: request(t, person, policy.Delete, guestbook, ""),
			reason: policy.DeclaredObjectDeleted, message: applied + "\nTo delete it, remove it from apps/guestbook in https://git.example.com/org/infra.git"},
		{name: "a service account deletes it", request: request(t, robot, policy.Delete, guestbook, ""),
			reason: policy.DeclaredObjectDeleted, message: applied + "\nTo delete it, remove it from apps/guestbook in https://git.example.com/org/infra.git"},
		{name: "what belongs to it", request: request(t, person, policy.Update, guestbook, scaled, named("other"), func(r *policy.Request) {
			r.Owner = gitindex.Key{Group: "apps", Kind: "Deployment", Namespace: "staging", Name: "guestbook"}
		}),
			reason: policy.DerivedObjectChanged,
			message: "gitonly: Deployment staging/other comes from Deployment staging/guestbook, which is declared in Git: Application argocd/guestbook.\n" +
				"This request changes:\n" + replicas + strings.Replace(there, "it there", "Deployment staging/guestbook instead", 1)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.policy == "" {
				test.policy = enforce
			}
			if test.path == "" {
				test.path = "apps/guestbook"
			}
			verdict := policy.Decide(test.request, recorded(test.path), build(t, guard(t, "test", test.policy)))
			if verdict.Outcome != test.outcome || verdict.Reason != test.reason {
				t.Errorf("%s for %s, want %s for %s", verdict.Outcome, verdict.Reason, test.outcome, test.reason)
			}
			if diff := cmp.Diff(test.message, verdict.Message); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}
