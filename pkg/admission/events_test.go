package admission_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clocktesting "k8s.io/utils/clock/testing"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/policy"
)

// events are what objects were told.
type events struct{ told []string }

func (e *events) Eventf(regarding, _ runtime.Object, kind, reason, action, note string, args ...any) {
	object := regarding.(*corev1.ObjectReference)
	e.told = append(e.told, fmt.Sprintf("%s %s %s/%s %q: %s %s %s: %s", object.APIVersion, object.Kind, object.Namespace, object.Name, object.UID, kind, reason, action, fmt.Sprintf(note, args...)))
}

// announcing gives the fixture events, and a clock that can be set.
func announcing(t *testing.T, spec string) (*fixture, *events, *clocktesting.FakePassiveClock) {
	t.Helper()
	f, e, clock := newFixture(t, spec), &events{}, clocktesting.NewFakePassiveClock(now)
	parts := f.handler.Parts
	parts.Events, parts.Clock, parts.Objects = e, clock, &objects{}
	f.handler = admission.NewHandler(parts)
	return f, e, clock
}

func TestRefusalsAreToldAtTheObject(t *testing.T) {
	const enforce, audit = "mode: Enforce", "mode: Audit"
	withUID := strings.NewReplacer("oldObject: {", "oldObject: {metadata: {uid: u-1}, ", "\nobject: {", "\nobject: {metadata: {uid: u-1}, ").Replace(scaleUp)
	secret := strings.Replace(secretChange, "c2VzYW1l", "b3RoZXI=", 1)
	create := `
uid: a-3
kind: {group: apps, version: v1, kind: Deployment}
resource: {group: apps, version: v1, resource: deployments}
namespace: staging
name: web
operation: CREATE
userInfo: {username: "system:serviceaccount:ci:pipeline"}
object: {metadata: {name: web, uid: u-2}, spec: {replicas: 1}}
`
	long := strings.Replace(withUID, "username: ann", "username: "+strings.Repeat("ä", 2000), 1)
	for _, test := range []struct{ name, spec, request, want string }{
		{"a field departs from Git", enforce, withUID,
			`apps/v1 Deployment staging/web "u-1": Warning DeclaredFieldChanged Refuse: Refused: UPDATE by ann, in spec.replicas. Declared in apps at main@4f2c1ab.`},
		{"in Audit mode", audit, withUID,
			`apps/v1 Deployment staging/web "u-1": Warning DeclaredFieldChanged Warn: Would be refused, but for Audit mode: UPDATE by ann, in spec.replicas. Declared in apps at main@4f2c1ab.`},
		{"values are left out", enforce, secret,
			`v1 Secret staging/db "": Warning DeclaredFieldChanged Refuse: Refused: UPDATE by ann, in data.password. Declared in apps at main@4f2c1ab.`},
		{"what isn't created has no UID", enforce, create,
			`apps/v1 Deployment staging/web "": Warning DeclaredObjectCreated Refuse: Refused: CREATE by system:serviceaccount:ci:pipeline. Declared in apps at main@4f2c1ab.`},
		{"what is created has one", audit, create,
			`apps/v1 Deployment staging/web "u-2": Warning DeclaredObjectCreated Warn: Would be refused, but for Audit mode: CREATE by system:serviceaccount:ci:pipeline. Declared in apps at main@4f2c1ab.`},
		{"what comes from a declared object", enforce, strings.ReplaceAll(labelPod, "kind: ReplicaSet, name: web-1", "kind: Deployment, name: web"),
			`v1 Pod staging/web-1-x "": Warning DerivedObjectChanged Refuse: Refused: UPDATE by ann, in metadata.labels. It comes from Deployment staging/web, declared in apps at main@4f2c1ab.`},
		{"more than there is room for", enforce, long,
			`apps/v1 Deployment staging/web "u-1": Warning DeclaredFieldChanged Refuse: Refused: UPDATE by ` + strings.Repeat("ä", 245) + `… Declared in apps at main@4f2c1ab.`},
		{"nothing is told of dry runs", enforce, withUID + "dryRun: true\n", ""},
		{"nor of what passes", enforce, strings.Replace(withUID, "replicas: 5", "replicas: 1", 1), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, e, _ := announcing(t, test.spec)
			f.ask(t, test.request)
			if got := strings.Join(e.told, "\n"); got != test.want {
				t.Errorf("told\n%s\nwant\n%s", got, test.want)
			}
			if _, note, _ := strings.Cut(test.want, " Refuse: "); len(note) > 1024 {
				t.Errorf("the note is %d bytes long", len(note))
			}
		})
	}
}

func TestWhatIsNoFaultOfTheObjectIsNotToldThere(t *testing.T) {
	f, e, _ := announcing(t, "{mode: Enforce, undecidable: Deny}")
	f.index.Publish(nil)
	if response := f.ask(t, scaleUp); response.Allowed || response.AuditAnnotations["reason"] != string(policy.Undecidable) {
		t.Errorf("response: %+v", response)
	}
	if e.told != nil {
		t.Errorf("told %q", e.told)
	}
}

func TestWhoeverTriesOnFillsNothingWithEvents(t *testing.T) {
	f, e, clock := announcing(t, "{mode: Enforce, undeclaredObjects: {people: Deny, serviceAccounts: Deny}}")
	began := func(do func()) int {
		before := map[string]bool{}
		for _, one := range e.told {
			before[one] = true
		}
		do()
		fresh := map[string]bool{}
		for _, one := range e.told {
			fresh[one] = !before[one]
		}
		count := 0
		for _, isNew := range fresh {
			if isNew {
				count++
			}
		}
		return count
	}
	names := 0
	other := func(n int) func() {
		return func() {
			for range n {
				names++
				f.ask(t, strings.Replace(scaleUp, "name: web", fmt.Sprintf("name: web-%d", names), 1))
			}
		}
	}

	if got := began(other(1000)); got != 50 {
		t.Errorf("a thousand objects make %d Events at once", got)
	}
	clock.SetTime(clock.Now().Add(10 * time.Second))
	if got := began(other(1000)); got != 10 {
		t.Errorf("ten seconds later they make %d more", got)
	}

	clock.SetTime(clock.Now().Add(time.Minute))
	e.told = nil
	for range 1000 {
		f.ask(t, scaleUp)
	}
	if len(e.told) != 1000 {
		t.Errorf("of one object %d refusals in a row are told, for its one Event to count them", len(e.told))
	}
	if got := began(other(1000)); got != 49 {
		t.Errorf("which leaves %d Events to others", got)
	}
}
