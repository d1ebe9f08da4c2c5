package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

func TestTheAgentTakesBackNothingThatWasChangedInAnEmergency(t *testing.T) {
	const held = "gitonly: Deployment staging/guestbook is held until 2026-03-01T12:30:00Z: dana broke the glass, and says why: INC-1234 gateway down.\n"
	const ends = "It ends by itself then, or when Git says the same. See BreakGlass staging-deployment-guestbook-x."
	const back = "This request would take back what was changed since:\n  spec.replicas: Git says 1, the emergency says 5\n"
	const behind = "gitonly: Deployment staging/guestbook is held: Git has by now what was changed in the emergency, and this request is of an older revision:\n" +
		"  spec.replicas: Git says 5, the request says 1\nThe newest revision passes. See BreakGlass staging-deployment-guestbook-x."
	marked := annotated(guestbook, because(why)...)
	hotfix := strings.Replace(marked, "replicas: 1", "replicas: 5", 1)
	relabelled := func(object string) string {
		return strings.Replace(object, "app: guestbook}", "app: guestbook, seen: yes}", 1)
	}
	elsewhere := func(e *policy.Emergency) { e.Changed[0].Key.Name = "other" }
	several := func(e *policy.Emergency) {
		e.Changed = append(e.Changed, policy.Changed{Key: gitindex.Key{Name: "other"}})
	}
	settled := func(minutes time.Duration) func(*policy.Emergency) {
		return func(e *policy.Emergency) { e.Settled = arrival.Add(minutes * time.Minute) }
	}
	for _, test := range []struct {
		name      string
		operation policy.Operation
		git       string
		old, new  string
		emergency *policy.Emergency
		namespace bool // it is the Namespace's
		message   string
	}{
		{name: "not the field", operation: policy.Update, git: guestbook, old: hotfix, new: marked, emergency: open(), message: held + back + ends},
		{name: "not for what Git says since", operation: policy.Update, git: strings.Replace(guestbook, "replicas: 1", "replicas: 3", 1), old: hotfix,
			new: strings.Replace(marked, "replicas: 1", "replicas: 3", 1), emergency: open(), message: held + strings.Replace(back, "says 1", "says 3", 1) + ends},
		{name: "not with others", operation: policy.Update, git: guestbook, old: hotfix, new: relabelled(marked), emergency: open(), message: held + back + ends},
		{name: "not in a Namespace's", operation: policy.Update, git: guestbook, old: hotfix, new: marked, emergency: open(), namespace: true, message: held + back + ends},
		{name: "not the annotation", operation: policy.Update, git: guestbook, old: hotfix, new: strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1), emergency: open(), message: held + ends},
		{name: "not the object", operation: policy.Delete, git: guestbook, old: hotfix, emergency: open(), message: held + ends},
		{name: "not a delete", operation: policy.Create, git: guestbook, new: guestbook, namespace: true,
			emergency: open(func(e *policy.Emergency) { e.Changed[0].Deleted = true }), message: held + ends},
		{name: "other fields pass", operation: policy.Update, git: guestbook, old: hotfix, new: relabelled(hotfix), emergency: open()},
		{name: "what Git says by now passes", operation: policy.Update, git: strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1), old: hotfix, new: relabelled(hotfix), emergency: open()},
		{name: "what is older than what Git says by now doesn't", operation: policy.Update, git: strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1), old: hotfix, new: marked, emergency: open(), message: behind},
		{name: "nor soon after Git has caught up", operation: policy.Update, git: strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1), old: hotfix, new: marked, emergency: open(over, settled(1)), message: behind},
		{name: "it passes later", operation: policy.Update, git: strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1), old: hotfix, new: marked, emergency: open(over, settled(0))},
		{name: "what Git says next passes soon after", operation: policy.Update, git: strings.Replace(guestbook, "replicas: 1", "replicas: 3", 1), old: hotfix,
			new: strings.Replace(marked, "replicas: 1", "replicas: 3", 1), emergency: open(over, settled(1))},
		{name: "the annotation may go with what Git says by now", operation: policy.Update, git: strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1), old: hotfix,
			new: strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1), emergency: open()},
		{name: "but not while others were changed, too", operation: policy.Update, git: strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1), old: hotfix,
			new: strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1), emergency: open(several), message: held + ends},
		{name: "other objects pass", operation: policy.Update, git: guestbook, old: hotfix, new: marked, emergency: open(elsewhere), namespace: true},
		{name: "other objects may go", operation: policy.Delete, git: guestbook, old: hotfix, emergency: open(elsewhere, func(e *policy.Emergency) { e.Object = gitindex.Key{Kind: "Namespace", Name: "staging"} }), namespace: true},
		{name: "all passes when it is over", operation: policy.Update, git: guestbook, old: hotfix, new: marked, emergency: open(over)},
		{name: "all passes where nothing is held", operation: policy.Update, git: guestbook, old: hotfix, new: marked, emergency: open(func(e *policy.Emergency) { e.Hold = false })},
	} {
		t.Run(test.name, func(t *testing.T) {
			known := &policy.BreakGlass{Object: test.emergency}
			if test.namespace {
				known = &policy.BreakGlass{Namespace: test.emergency}
			}
			v := policy.Decide(request(t, agent, test.operation, test.old, test.new, with(known)), snapshot(t, test.git), build(t, guard(t, "test", "{mode: Enforce}")))
			if diff := cmp.Diff(test.message, v.Message); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			if refused := v.Outcome == policy.Deny && v.Reason == policy.Held; refused != (test.message != "") {
				t.Errorf("%s %s", v.Outcome, v.Reason)
			}
		})
	}
}

func TestNoSecretIsShownOfWhatIsHeld(t *testing.T) {
	const secret = `{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: staging, labels: {app: guestbook}}, stringData: {password: %s}}`
	key := gitindex.Key{Kind: "Secret", Namespace: "staging", Name: "db"}
	e := open(func(e *policy.Emergency) {
		e.Object, e.Changed = key, []policy.Changed{{Key: key, Fields: []string{"data.password"}}}
	})
	old := strings.Replace(secret, "stringData: {password: %s}", "data: {password: aG90Zml4}", 1)
	after := strings.Replace(secret, "stringData: {password: %s}", "data: {password: aHVudGVyMg==}", 1)
	r := request(t, agent, policy.Update, annotated(old, because(why)...), annotated(after, because(why)...), with(&policy.BreakGlass{Object: e}), func(r *policy.Request) {
		r.Key, r.Type = key, deploymentType
		r.Type.Group, r.Type.Kind = "", "Secret"
	})
	v := policy.Decide(r, snapshot(t, strings.Replace(secret, "%s", "hunter2", 1)), build(t, guard(t, "test", "{mode: Enforce}")))
	want := "  data.password: it departs from Git's value (not shown)\n"
	if v.Reason != policy.Held || !strings.Contains(v.Message, want) || strings.Contains(v.Message, "hunter2") || strings.Contains(v.Message, "aG90") {
		t.Errorf("%s: %s", v.Reason, v.Message)
	}
}
