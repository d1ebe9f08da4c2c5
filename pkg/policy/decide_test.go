package policy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

var (
	arrival  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	revision = gitindex.Revision{Name: "main", Commit: "4f2c1ab93d0e8f7a6b5c4d3e2f1a0b9c8d7e6f5a"}

	person     = policy.User{Name: "ann", Groups: []string{"developers", "system:authenticated"}}
	admin      = policy.User{Name: "root", Groups: []string{"system:masters", "system:authenticated"}}
	agent      = policy.User{Name: "system:serviceaccount:flux-system:kustomize-controller"}
	robot      = policy.User{Name: "system:serviceaccount:ci:robot"}
	controller = policy.User{Name: "system:serviceaccount:kube-system:deployment-controller"}
	node       = policy.User{Name: "system:node:a", Groups: []string{"system:nodes"}}
)

const guestbook = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: guestbook, namespace: staging, labels: {app: guestbook}}, spec: {replicas: 1, template: {spec: {containers: [{name: web, image: "nginx:1.25"}]}}}}`

// declare is one object in Git, at apps/overlays/staging of source infra.
func declare(t testing.TB, text string) gitindex.Declared {
	t.Helper()
	object := asJSON(t, text)
	var m metav1.PartialObjectMetadata
	if err := yaml.Unmarshal(object, &m); err != nil {
		t.Fatal(err)
	}
	return gitindex.Declared{
		Key:        gitindex.Key{Group: m.GroupVersionKind().Group, Kind: m.Kind, Namespace: m.Namespace, Name: m.Name},
		APIVersion: m.APIVersion,
		Manifest:   gitindex.NewManifest(object),
		Origin: gitindex.Origin{
			Source: "infra", URL: "https://git.example.com/org/infra.git", Revision: revision,
			Path: "apps/overlays/staging", File: "apps/base/guestbook/deployment.yaml", Line: 1,
			Fields: []gitindex.FieldOrigin{{Path: "spec.replicas", File: "apps/overlays/staging/patch-replicas.yaml", Line: 6}},
		},
	}
}

func snapshot(t testing.TB, objects ...string) *gitindex.Snapshot {
	t.Helper()
	var declared []gitindex.Declared
	for _, text := range objects {
		declared = append(declared, declare(t, text))
	}
	return snapshotOf(declared)
}

// snapshotOf is one of these objects alone.
func snapshotOf(declared []gitindex.Declared) *gitindex.Snapshot {
	location := gitindex.Location{Path: "apps/overlays/staging"}
	return gitindex.NewSnapshot([]gitindex.SourceState{{
		Source:    gitindex.Source{Name: "infra", Locations: []gitindex.Location{location}},
		Revision:  revision,
		CheckedAt: arrival.Add(-12 * time.Second),
		Locations: []gitindex.LocationState{{Location: location, Revision: revision, Objects: declared}},
	}})
}

// guard makes a GuardPolicy of its spec, agent included.
func guard(t testing.TB, name, spec string) v1alpha1.GuardPolicy {
	t.Helper()
	p := v1alpha1.GuardPolicy{}
	p.Name = name
	if err := yaml.UnmarshalStrict([]byte(spec), &p.Spec); err != nil {
		t.Fatal(err)
	}
	p.Spec.Agents.Subjects = append(p.Spec.Agents.Subjects, v1alpha1.Subject{
		Kind: v1alpha1.SubjectServiceAccount, Namespace: "flux-system", Name: "kustomize-controller",
	})
	p.SetDefaults()
	return p
}

func build(t testing.TB, policies ...v1alpha1.GuardPolicy) policy.Policy {
	t.Helper()
	types, err := builtin.Types()
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.New(policies, types)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func asJSON(t testing.TB, text string) []byte {
	t.Helper()
	if text == "" {
		return nil
	}
	object, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return object
}

var deploymentType = kschema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}

// request is one for the guestbook; edit changes it.
func request(t testing.TB, user policy.User, operation policy.Operation, old, object string, edits ...func(*policy.Request)) policy.Request {
	t.Helper()
	r := policy.Request{
		At:        arrival,
		Key:       gitindex.Key{Group: "apps", Kind: "Deployment", Namespace: "staging", Name: "guestbook"},
		Version:   "v1",
		Operation: operation,
		User:      user,
		Object:    asJSON(t, object),
		OldObject: asJSON(t, old),
		Type:      deploymentType,
		Namespace: &policy.Namespace{Labels: map[string]string{"team": "web"}},
	}
	for _, edit := range edits {
		edit(&r)
	}
	return r
}

func subresource(name string) func(*policy.Request) {
	return func(r *policy.Request) { r.Subresource = name }
}

func scaling(r *policy.Request) {
	r.Subresource = "scale"
	r.Type = kschema.GroupVersionKind{Group: "autoscaling", Version: "v1", Kind: "Scale"}
}

func ofNamespace(name string) func(*policy.Request) {
	return func(r *policy.Request) {
		r.Key = gitindex.Key{Kind: "Namespace", Name: name}
		r.Type = kschema.GroupVersionKind{Version: "v1", Kind: "Namespace"}
		r.Namespace = nil
	}
}

func named(name string) func(*policy.Request) {
	return func(r *policy.Request) { r.Key.Name = name }
}

const (
	scaled   = `{metadata: {name: guestbook, namespace: staging, labels: {app: guestbook}}, spec: {replicas: 5, template: {spec: {containers: [{name: web, image: "nginx:1.25"}]}}}}`
	sidecar  = `{metadata: {name: guestbook, namespace: staging, labels: {app: guestbook}}, spec: {replicas: 1, template: {spec: {containers: [{name: web, image: "nginx:1.25"}, {name: spy, image: evil}]}}}}`
	enforce  = `{mode: Enforce}`
	audit    = `{mode: Audit}`
	scale1   = `{spec: {replicas: 1}}`
	scale5   = `{spec: {replicas: 5}}`
	declared = `gitonly: Deployment staging/guestbook is declared in Git: apps/overlays/staging at main@4f2c1ab (checked 12s ago).`
	keepIt   = "\nTo keep this change, make it in apps/overlays/staging or in " + page
	atPage   = "\nChange it there: " + page
	deleteIt = "\nTo delete it, have apps/overlays/staging leave it out, or remove it for all that use it from " + page
	page     = "https://git.example.com/org/infra/blob/main/apps/base/guestbook/deployment.yaml#L1"
	atPatch  = "\nChange it there: https://git.example.com/org/infra/blob/main/apps/overlays/staging/patch-replicas.yaml#L6"
)

// decisions are requests and what is said of them.
type decisions []struct {
	name    string
	policy  string   // enforce if empty
	objects []string // in Git; the guestbook if there are none
	request policy.Request
	outcome policy.Outcome
	reason  policy.Reason
	message string
}

func (all decisions) run(t *testing.T) {
	for _, test := range all {
		t.Run(test.name, func(t *testing.T) {
			if test.policy == "" {
				test.policy = enforce
			}
			if test.objects == nil {
				test.objects = []string{guestbook}
			}
			verdict := policy.Decide(test.request, snapshot(t, test.objects...), build(t, guard(t, "test", test.policy)))
			if verdict.Outcome != test.outcome || verdict.Reason != test.reason {
				t.Errorf("%s for %s, want %s for %s", verdict.Outcome, verdict.Reason, test.outcome, test.reason)
			}
			if diff := cmp.Diff(test.message, verdict.Message); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecide(t *testing.T) {
	decisions{
		// Rule 1
		{name: "mode Off guards nothing", policy: `{mode: "Off"}`,
			request: request(t, person, policy.Update, guestbook, scaled),
			outcome: policy.Allow, reason: policy.NotGuarded},
		{name: "an excluded namespace is not guarded", policy: `{mode: Enforce, match: {excludeNamespaces: [staging]}}`,
			request: request(t, person, policy.Update, guestbook, scaled),
			outcome: policy.Allow, reason: policy.NotGuarded},
		{name: "a namespace that the selector leaves out is not guarded", policy: `{mode: Enforce, match: {namespaceSelector: {matchLabels: {team: data}}}}`,
			request: request(t, person, policy.Update, guestbook, scaled),
			outcome: policy.Allow, reason: policy.NotGuarded},
		{name: "a kind that the policy doesn't list is not guarded", policy: `{mode: Enforce, match: {resources: [{apiGroups: [""], kinds: [Service]}]}}`,
			request: request(t, person, policy.Update, guestbook, scaled),
			outcome: policy.Allow, reason: policy.NotGuarded},
		{name: "a selector without the namespace's labels can't decide", policy: `{mode: Enforce, undecidable: Deny, match: {namespaceSelector: {matchLabels: {team: web}}}}`,
			request: request(t, person, policy.Update, guestbook, scaled, func(r *policy.Request) { r.Namespace = nil }),
			outcome: policy.Deny, reason: policy.Undecidable,
			message: "gitonly: can't decide on Deployment staging/guestbook: the labels of its namespace are not known.\nGuardPolicy test refuses what can't be decided (undecidable: Deny)."},
		{name: "a label that brings the namespace under the selector counts at once", policy: `{mode: Enforce, undeclaredObjects: {people: Deny}, match: {namespaceSelector: {matchLabels: {guarded: "yes"}}}}`,
			request: request(t, person, policy.Update, `{metadata: {}}`, `{metadata: {labels: {guarded: "yes"}}}`, ofNamespace("other")),
			outcome: policy.Deny, reason: policy.UndeclaredObjectChanged,
			message: "gitonly: Namespace other is not declared in Git, and GuardPolicy test guards such objects too.\nDeclare it in Git, with this change."},
		{name: "a label that takes the namespace out of the selector's reach still counts", policy: `{mode: Enforce, undeclaredObjects: {people: Deny}, match: {namespaceSelector: {matchLabels: {guarded: "yes"}}}}`,
			request: request(t, person, policy.Update, `{metadata: {labels: {guarded: "yes"}}}`, `{metadata: {}}`, ofNamespace("other")),
			outcome: policy.Deny, reason: policy.UndeclaredObjectChanged,
			message: "gitonly: Namespace other is not declared in Git, and GuardPolicy test guards such objects too.\nDeclare it in Git, with this change."},
		// Rule 2
		{name: "a controller of the control plane may", request: request(t, controller, policy.Update, guestbook, scaled),
			outcome: policy.Allow, reason: policy.SystemActor},
		{name: "a node may, by its group", request: request(t, node, policy.Update, guestbook, scaled),
			outcome: policy.Allow, reason: policy.SystemActor},
		{name: "a list of system actors replaces the built-in one", policy: `{mode: Enforce, systemActors: {users: [root]}}`,
			request: request(t, controller, policy.Update, guestbook, scaled),
			reason:  policy.DeclaredFieldChanged,
			message: declared + "\nThis request departs from it:\n  spec.replicas: Git says 1, the request says 5   (apps/overlays/staging/patch-replicas.yaml)" + atPatch},
		{name: "another service account in kube-system is not the control plane",
			request: request(t, policy.User{Name: "system:serviceaccount:kube-system:sealed-secrets-controller"}, policy.Delete, guestbook, ""),
			reason:  policy.DeclaredObjectDeleted,
			message: declared + deleteIt},
		// Rule 4
		{name: "the agent may", request: request(t, agent, policy.Update, guestbook, scaled),
			outcome: policy.Allow, reason: policy.AgentActor},
		// Rule 6
		{name: "an administrator is a person like any other", request: request(t, admin, policy.Update, guestbook, scaled),
			reason:  policy.DeclaredFieldChanged,
			message: declared + "\nThis request departs from it:\n  spec.replicas: Git says 1, the request says 5   (apps/overlays/staging/patch-replicas.yaml)" + atPatch},
		{name: "audit warns where enforce refuses", policy: audit, request: request(t, person, policy.Update, guestbook, scaled),
			outcome: policy.Warn, reason: policy.DeclaredFieldChanged,
			message: "gitonly: would be refused, but for Audit mode: Deployment staging/guestbook is declared in Git: apps/overlays/staging at main@4f2c1ab (checked 12s ago).\n  spec.replicas: Git says 1, the request says 5   (apps/overlays/staging/patch-replicas.yaml)" + atPatch},
		{name: "a person creates a declared object", request: request(t, person, policy.Create, "", guestbook),
			reason: policy.DeclaredObjectCreated, message: declared + "\nThe sync agent creates it: wait for its next sync, or start one.\nTo change it first, edit " + page},
		{name: "a person deletes a declared object", request: request(t, person, policy.Delete, guestbook, ""),
			reason: policy.DeclaredObjectDeleted, message: declared + deleteIt},
		{name: "an object that is going away may be deleted again",
			request: request(t, person, policy.Delete, `{metadata: {deletionTimestamp: "2026-01-01T00:00:00Z"}}`, ""),
			outcome: policy.Allow, reason: policy.BeingDeleted},
		{name: "an update that changes nothing may", request: request(t, person, policy.Update, guestbook, guestbook),
			outcome: policy.Allow, reason: policy.Unchanged},
		{name: "a return to Git's value may", request: request(t, person, policy.Update, scaled, guestbook),
			outcome: policy.Allow, reason: policy.Converging},
		{name: "a person adds a sidecar", request: request(t, person, policy.Update, guestbook, sidecar),
			reason:  policy.UndeclaredFieldChanged,
			message: declared + "\nThis request departs from it:\n" + `  spec.template.spec.containers[name=spy]: not in Git, the request adds {"image":"evil","name":"spy"}` + keepIt},
		{name: "a person removes a sidecar that somebody added", request: request(t, person, policy.Update, sidecar, guestbook),
			reason:  policy.UndeclaredFieldChanged,
			message: declared + "\nThis request departs from it:\n" + `  spec.template.spec.containers[name=spy]: not in Git, the request removes {"image":"evil","name":"spy"}` + "\nLeave that to whoever added it. The object is declared in " + page},
		{name: "a person removes a key that somebody added to a Secret",
			objects: []string{`{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: staging}, data: {a: MQ==}}`},
			request: request(t, person, policy.Update, `{data: {a: MQ==, b: aHVudGVyMg==}}`, `{data: {a: MQ==}}`, of("", "v1", "Secret", "staging", "db")),
			reason:  policy.UndeclaredFieldChanged,
			message: "gitonly: Secret staging/db is declared in Git: apps/overlays/staging at main@4f2c1ab (checked 12s ago).\nThis request departs from it:\n  data.b: not in Git, the request removes it\nLeave that to whoever added it. The object is declared in " + page},
		{name: "a service account may change what Git leaves open", request: request(t, robot, policy.Update, guestbook, sidecar),
			outcome: policy.Allow, reason: policy.UndeclaredFieldChanged},
		{name: "a service account may not, where the policy says so", policy: `{mode: Enforce, undeclaredFields: {serviceAccounts: Deny}}`,
			request: request(t, robot, policy.Update, guestbook, sidecar),
			reason:  policy.UndeclaredFieldChanged,
			message: declared + "\nThis request departs from it:\n" + `  spec.template.spec.containers[name=spy]: not in Git, the request adds {"image":"evil","name":"spy"}` + keepIt},
		{name: "a person may, where the policy says so", policy: `{mode: Enforce, undeclaredFields: {people: Allow}}`,
			request: request(t, person, policy.Update, guestbook, sidecar),
			outcome: policy.Allow, reason: policy.UndeclaredFieldChanged},
		{name: "a service account changes a declared field", request: request(t, robot, policy.Update, guestbook, scaled),
			reason:  policy.DeclaredFieldChanged,
			message: declared + "\nThis request departs from it:\n  spec.replicas: Git says 1, the request says 5   (apps/overlays/staging/patch-replicas.yaml)" + atPatch},
		{name: "kubectl scale is an update of the replicas", request: request(t, person, policy.Update, scale1, scale5, scaling),
			reason:  policy.DeclaredFieldChanged,
			message: declared + "\nThis request departs from it:\n  spec.replicas: Git says 1, the request says 5   (apps/overlays/staging/patch-replicas.yaml)" + atPatch},
		{name: "which field of a custom kind scale changes isn't known", policy: `{mode: Enforce, undecidable: Deny}`,
			objects: []string{`{apiVersion: example.com/v1, kind: Widget, metadata: {name: w, namespace: staging}, spec: {replicas: 1}}`},
			request: request(t, robot, policy.Update, scale1, scale5, of("example.com", "v1", "Widget", "staging", "w"), scaling),
			reason:  policy.Undecidable,
			message: "gitonly: can't decide on Widget staging/w: which field its scale changes is not known, as the CustomResourceDefinition of its kind has not been read: try again, or change that field itself.\nGuardPolicy test refuses what can't be decided (undecidable: Deny)."},
		{name: "status counts only where Git declares it",
			request: request(t, person, policy.Update, `{status: {replicas: 1}}`, `{status: {replicas: 2}}`, subresource("status")),
			outcome: policy.Allow, reason: policy.Unchanged},
		{name: "exec changes nothing", request: request(t, person, policy.Connect, "", "{}", subresource("exec")),
			outcome: policy.Allow, reason: policy.PassiveSubresource},
		{name: "a subresource that no rule knows", request: request(t, person, policy.Update, "{}", "{}", subresource("teleport")),
			reason: policy.UnknownSubresource, message: declared + "\nNo rule says what its subresource teleport changes.\nChange the object itself there: " + page},
		{name: "a declaration that can't be read is named", policy: enforce, objects: []string{strings.Replace(guestbook, "replicas: 1", "replicas: one", 1)},
			request: request(t, person, policy.Update, guestbook, scaled),
			outcome: policy.Warn, reason: policy.Undecidable,
			message: "gitonly: can't decide on Deployment staging/guestbook: reading what Git declares: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32; correct it in apps/base/guestbook/deployment.yaml:1 of source infra.\nGuardPolicy test lets it through."},
		{name: "an eviction deletes",
			objects: []string{`{apiVersion: v1, kind: Pod, metadata: {name: one, namespace: staging}}`},
			request: request(t, person, policy.Create, "", `{metadata: {name: one}}`, subresource("eviction"), func(r *policy.Request) {
				r.Key = gitindex.Key{Kind: "Pod", Namespace: "staging", Name: "one"}
			}),
			reason:  policy.DeclaredObjectDeleted,
			message: "gitonly: Pod staging/one is declared in Git: apps/overlays/staging at main@4f2c1ab (checked 12s ago)." + deleteIt},
		{name: "another API version can't be compared", request: request(t, person, policy.Update, guestbook, scaled, func(r *policy.Request) {
			r.Version, r.Type.Version = "v1beta1", "v1beta1"
		}),
			reason:  policy.VersionSkew,
			message: declared + "\nGit says apps/v1, the request says apps/v1beta1, and the two can't be compared.\nThis request departs from it:\n  spec.replicas: can't be compared with Git, the request says 5   (apps/overlays/staging/patch-replicas.yaml)\nUse Git's version to have it compared, or change it there: https://git.example.com/org/infra/blob/main/apps/overlays/staging/patch-replicas.yaml#L6"},
		{name: "an object that can't be read", policy: `{mode: Enforce, undecidable: Deny}`,
			request: request(t, person, policy.Update, guestbook, `[]`),
			reason:  policy.Undecidable,
			message: "gitonly: can't decide on Deployment staging/guestbook: reading the object after the request: json: cannot unmarshal array into Go value of type map[string]interface {}.\nGuardPolicy test refuses what can't be decided (undecidable: Deny)."},
		// Rule 7
		{name: "a namespace that holds declared objects", request: request(t, person, policy.Delete, `{metadata: {name: staging}}`, "", ofNamespace("staging")),
			reason:  policy.NamespaceHoldsDeclared,
			message: "gitonly: Namespace staging holds 1 object that Git declares. Deleting it would delete them: remove them from Git first."},
		{name: "a namespace that holds none", request: request(t, person, policy.Delete, `{metadata: {name: other}}`, "", ofNamespace("other")),
			outcome: policy.Allow, reason: policy.UndeclaredObjectChanged},
		{name: "a namespace that is going away may be deleted again",
			request: request(t, person, policy.Delete, `{metadata: {name: staging, deletionTimestamp: "2026-01-01T00:00:00Z"}}`, "", ofNamespace("staging")),
			outcome: policy.Allow, reason: policy.BeingDeleted},
		{name: "the children of a namespace that is going away are never blocked",
			request: request(t, person, policy.Delete, guestbook, "", func(r *policy.Request) { r.Namespace.Terminating = true }),
			outcome: policy.Allow, reason: policy.NamespaceTerminating},
		// Rule 10
		{name: "an undeclared object is nobody's business by default", request: request(t, person, policy.Create, "", guestbook, named("other")),
			outcome: policy.Allow, reason: policy.UndeclaredObjectChanged},
		{name: "full lockdown", policy: `{mode: Enforce, undeclaredObjects: {people: Deny}}`,
			request: request(t, person, policy.Create, "", guestbook, named("other")),
			reason:  policy.UndeclaredObjectChanged,
			message: "gitonly: Deployment staging/other is not declared in Git, and GuardPolicy test allows no other objects here.\nDeclare it in Git."},
		{name: "a request that could not be read", policy: `{mode: Enforce, undecidable: Deny}`,
			request: request(t, person, policy.Create, "", "", func(r *policy.Request) { r.Problem = errors.New("no name") }),
			reason:  policy.Undecidable,
			message: "gitonly: can't decide on Deployment staging/guestbook: no name.\nGuardPolicy test refuses what can't be decided (undecidable: Deny)."},
	}.run(t)
}

func TestWhatIsNotKnownSaysWhereToReadWhy(t *testing.T) {
	p := build(t, guard(t, "test", `{mode: Enforce}`))
	p.Faults = "ask whoever runs gitonly: kubectl get gitsources says why"
	for what, snapshot := range map[string]*gitindex.Snapshot{
		"no source in Git has been loaded yet":                                   nil,
		"not all that Git declares is known: source infra could never be loaded": gitindex.NewSnapshot([]gitindex.SourceState{{Source: gitindex.Source{Name: "infra"}}}),
	} {
		v := policy.Decide(request(t, person, policy.Update, guestbook, scaled), snapshot, p)
		want := "gitonly: can't decide on Deployment staging/guestbook: " + what + " (ask whoever runs gitonly: kubectl get gitsources says why).\nGuardPolicy test lets it through."
		if v.Outcome != policy.Warn || v.Message != want {
			t.Errorf("%s: %s", v.Outcome, v.Message)
		}
	}
}

func TestAuditModeSaysWhatEnforceWouldRefuseToDecide(t *testing.T) {
	p := build(t, guard(t, "test", `{mode: Audit, undecidable: Deny}`))
	v := policy.Decide(request(t, person, policy.Update, guestbook, scaled), nil, p)
	want := "gitonly: can't decide on Deployment staging/guestbook: no source in Git has been loaded yet.\nGuardPolicy test would refuse it, but for Audit mode (undecidable: Deny)."
	if v.Outcome != policy.Warn || v.Message != want {
		t.Errorf("%s: %s", v.Outcome, v.Message)
	}
}

// Rule 5
func TestDecideWithoutASnapshot(t *testing.T) {
	change := request(t, person, policy.Update, guestbook, scaled)
	for action, want := range map[string]policy.Outcome{"Allow": policy.Warn, "Deny": policy.Deny} {
		p := build(t, guard(t, "test", `{mode: Enforce, undecidable: `+action+`}`))
		if v := policy.Decide(change, nil, p); v.Outcome != want || v.Reason != policy.Undecidable {
			t.Errorf("undecidable: %s gives %s for %s, want %s", action, v.Outcome, v.Reason, want)
		}
	}
	p := build(t, guard(t, "test", `{mode: Enforce, undecidable: Deny}`))
	if v := policy.Decide(request(t, agent, policy.Update, guestbook, scaled), nil, p); v.Outcome != policy.Allow {
		t.Errorf("the agent is %s without a snapshot", v.Outcome)
	}
}

func TestDecideByTheStrictestOfSeveralPolicies(t *testing.T) {
	change := request(t, person, policy.Update, guestbook, scaled)
	p := build(t, guard(t, "audits", audit), guard(t, "enforces", enforce), guard(t, "off", `{mode: "Off"}`))
	v := policy.Decide(change, snapshot(t, guestbook), p)
	if v.Outcome != policy.Deny || v.Policy != "enforces" {
		t.Errorf("%s by %s, want Deny by enforces", v.Outcome, v.Policy)
	}
}

func TestTheZeroVerdictRefuses(t *testing.T) {
	if (policy.Verdict{}).Outcome != policy.Deny {
		t.Error("the zero Verdict does not refuse")
	}
}

func TestNobodyWaitsForAnAgentThatThereIsNot(t *testing.T) {
	alone := guard(t, "test", "{mode: Enforce}")
	alone.Spec.Agents.Subjects = nil
	want := declared + "\nGuardPolicy test knows no sync agent that could create it: spec.agents.subjects has to name it, in Git.\n" +
		"To change it first, edit https://git.example.com/org/infra/blob/main/apps/base/guestbook/deployment.yaml#L1"
	v := policy.Decide(request(t, person, policy.Create, "", guestbook), snapshot(t, guestbook), build(t, alone))
	if diff := cmp.Diff(want, v.Message); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

func TestARefusedRestartSaysHowPodsCanBeRestarted(t *testing.T) {
	const (
		change = "To keep this change, make it in apps/overlays/staging or in "
		passes = "kubectl rollout restart passes where ignoreFields of GuardPolicy test have that annotation.\n" + change
	)
	restarted := strings.Replace(guestbook, "template: {", `template: {metadata: {annotations: {kubectl.kubernetes.io/restartedAt: now}}, `, 1)
	for spec, want := range map[string]string{
		"{mode: Enforce}": "\nTo restart its Pods, delete them one by one.\n" + passes,
		"{mode: Enforce, derivedObjects: {delete: Deny}}": "now\"}}\n" + passes,
	} {
		v := policy.Decide(request(t, person, policy.Update, guestbook, restarted), snapshot(t, guestbook), build(t, guard(t, "test", spec)))
		if !strings.Contains(v.Message, want) {
			t.Errorf("%s:\n%s", spec, v.Message)
		}
	}
}
