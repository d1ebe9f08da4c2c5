package policy_test

import (
	"fmt"
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
	changing := func(field string) func(*policy.Emergency) {
		return func(e *policy.Emergency) { e.Changed[0].Fields = []string{field} }
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
			emergency: open(func(e *policy.Emergency) { e.Changed[0].Deleted = true }), message: held + "This request would bring back what was deleted since.\n" + ends},
		{name: "other fields pass", operation: policy.Update, git: guestbook, old: hotfix, new: relabelled(hotfix), emergency: open()},
		{name: "what Git says by now passes", operation: policy.Update, git: strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1), old: hotfix, new: relabelled(hotfix), emergency: open()},
		{name: "what is older than what Git says by now doesn't", operation: policy.Update, git: strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1), old: hotfix, new: marked, emergency: open(), message: behind},
		{name: "nor soon after Git has caught up", operation: policy.Update, git: strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1), old: hotfix, new: marked, emergency: open(over, settled(1)), message: behind},
		{name: "it passes later", operation: policy.Update, git: strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1), old: hotfix, new: marked, emergency: open(over, settled(0))},
		{name: "what Git says next passes soon after", operation: policy.Update, git: strings.Replace(guestbook, "replicas: 1", "replicas: 3", 1), old: hotfix,
			new: strings.Replace(marked, "replicas: 1", "replicas: 3", 1), emergency: open(over, settled(1))},
		{name: "what Git has left behind since is held for nobody", operation: policy.Update, git: strings.Replace(guestbook, "replicas: 1", "replicas: 3", 1), old: hotfix,
			new: marked, emergency: open(over, settled(1))},
		{name: "the annotation may go with what Git says by now", operation: policy.Update, git: strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1), old: hotfix,
			new: strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1), emergency: open()},
		{name: "but not while others were changed, too", operation: policy.Update, git: strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1), old: hotfix,
			new: strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1), emergency: open(several), message: held + ends},
		{name: "other objects pass", operation: policy.Update, git: guestbook, old: hotfix, new: marked, emergency: open(elsewhere), namespace: true},
		{name: "other objects may go", operation: policy.Delete, git: guestbook, old: hotfix, emergency: open(elsewhere, func(e *policy.Emergency) { e.Object = gitindex.Key{Kind: "Namespace", Name: "staging"} }), namespace: true},
		{name: "not the object that it is of, whatever was changed", operation: policy.Delete, git: guestbook, old: hotfix, emergency: open(elsewhere), message: held + ends},
		{name: "not an object that was changed in a Namespace's", operation: policy.Delete, git: guestbook, old: hotfix, namespace: true,
			emergency: open(func(e *policy.Emergency) { e.Object = gitindex.Key{Kind: "Namespace", Name: "staging"} }), message: held + ends},
		{name: "not what the emergency removed", operation: policy.Update, git: guestbook, old: strings.Replace(marked, "replicas: 1, ", "", 1), new: marked, emergency: open(),
			message: held + strings.Replace(back, "the emergency says 5", "the emergency removed it", 1) + ends},
		{name: "not what Git is silent about", operation: policy.Update, git: guestbook, old: strings.Replace(marked, "replicas: 1", "replicas: 1, paused: true", 1), new: marked,
			emergency: open(changing("spec.paused")), message: held + "This request would take back what was changed since:\n  spec.paused: not in Git, the emergency says true\n" + ends},
		{name: "not what is inside of what was changed", operation: policy.Update, git: guestbook, old: strings.Replace(marked, "nginx:1.25", "nginx:1.26", 1), new: marked, emergency: open(changing("spec.template")),
			message: held + "This request would take back what was changed since:\n  spec.template.spec.containers[name=web].image: Git says \"nginx:1.25\", the emergency says \"nginx:1.26\"\n" + ends},
		{name: "not what can't be compared as Git can't be read", operation: policy.Update, git: strings.Replace(guestbook, "replicas: 1", "replicas: many", 1), old: hotfix, new: marked, emergency: open(), message: held + ends},
		{name: "a connection passes", operation: policy.Connect, git: guestbook, new: "{}", emergency: open()},
		{name: "what it makes that wasn't deleted passes", operation: policy.Create, git: guestbook, new: guestbook, namespace: true, emergency: open()},
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

func TestWhatOnlyTheAgentRendersIsHeldToo(t *testing.T) {
	r := request(t, agent, policy.Update, annotated(scaled, because(why)...), annotated(guestbook, because(why)...), with(&policy.BreakGlass{Object: open()}))
	v := policy.Decide(r, recorded("apps/guestbook"), build(t, guard(t, "test", enforce)))
	want := "gitonly: Deployment staging/guestbook is held until 2026-03-01T12:30:00Z: dana broke the glass, and says why: INC-1234 gateway down.\n" +
		"This request would take back what was changed since:\n  spec.replicas: the emergency says 5\n" +
		"It ends by itself then, or when Git says the same. See BreakGlass staging-deployment-guestbook-x."
	if diff := cmp.Diff(want, v.Message); v.Reason != policy.Held || diff != "" {
		t.Errorf("%s, message (-want +got):\n%s", v.Reason, diff)
	}
}

func TestAuditModeHoldsNothingAndSaysSo(t *testing.T) {
	r := request(t, agent, policy.Update, annotated(scaled, because(why)...), annotated(guestbook, because(why)...), with(&policy.BreakGlass{Object: open()}))
	v := policy.Decide(r, snapshot(t, guestbook), build(t, guard(t, "test", audit)))
	if want := "gitonly: would be refused, but for Audit mode: Deployment staging/guestbook is held until"; v.Outcome != policy.Warn || !strings.HasPrefix(v.Message, want) {
		t.Errorf("%s: %s", v.Outcome, v.Message)
	}
}

func TestOfManyFieldsThatAreHeldSomeAreSaid(t *testing.T) {
	const config = `{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: staging}, data: {%s}}`
	var git, live []string
	for i := range 12 {
		git, live = append(git, fmt.Sprintf("k%02d: a", i)), append(live, fmt.Sprintf("k%02d: b", i))
	}
	of := func(r *policy.Request) {
		r.Key = gitindex.Key{Kind: "ConfigMap", Namespace: "staging", Name: "settings"}
		r.Type.Group, r.Type.Kind = "", "ConfigMap"
	}
	e := open(func(e *policy.Emergency) {
		e.Object = gitindex.Key{Kind: "Namespace", Name: "staging"}
		e.Changed = []policy.Changed{{Key: gitindex.Key{Kind: "ConfigMap", Namespace: "staging", Name: "settings"}, Fields: []string{"*"}}}
	})
	declared := fmt.Sprintf(config, strings.Join(git, ", "))
	r := request(t, agent, policy.Update, fmt.Sprintf(config, strings.Join(live, ", ")), declared, of, with(&policy.BreakGlass{Namespace: e}))
	v := policy.Decide(r, snapshot(t, declared), build(t, guard(t, "test", enforce)))
	lines := strings.Split(v.Message, "\n")
	want := []string{`  data.k09: Git says "a", the emergency says "b"`, "  … and 2 more", "It ends by itself then, or when Git says the same. See BreakGlass staging-deployment-guestbook-x."}
	if diff := cmp.Diff(want, lines[max(0, len(lines)-3):]); diff != "" {
		t.Errorf("the last lines (-want +got):\n%s", diff)
	}
}
