package admission_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

// emergencies are records, by the UID of their objects.
type emergencies struct {
	open     map[types.UID]*policy.Emergency
	unread   map[types.UID]error
	unwrote  error
	breaks   bool // reading and writing panics
	finds    []types.UID
	recorded []admission.Entry
}

func (e *emergencies) Find(_ context.Context, uid types.UID) (*policy.Emergency, error) {
	e.finds = append(e.finds, uid)
	if e.breaks && e.open == nil {
		panic("no luck")
	}
	return e.open[uid], e.unread[uid]
}

func (e *emergencies) Record(_ context.Context, entry admission.Entry) error {
	if e.breaks {
		panic("no luck")
	}
	e.recorded = append(e.recorded, entry)
	return e.unwrote
}

// permissions is RBAC with one answer.
type permissions struct {
	may      bool
	approves bool
	denied   bool // recently
	err      error
	asked    []string
}

func (p *permissions) RecentlyDenied(*admissionv1.AdmissionRequest, gitindex.Key) bool {
	return p.denied
}

func (p *permissions) MayBreakGlass(_ context.Context, review *admissionv1.AdmissionRequest, key gitindex.Key) (bool, error) {
	p.asked = append(p.asked, review.UserInfo.Username+" "+key.String())
	return p.may, p.err
}

func (p *permissions) MayApprove(_ context.Context, review *admissionv1.AdmissionRequest, key gitindex.Key) (bool, error) {
	p.asked = append(p.asked, review.UserInfo.Username+" to approve "+key.String())
	return p.approves, p.err
}

// namespaces is what is watched of Namespaces: the same of each.
type namespaces struct{ known *policy.Namespace }

func (n namespaces) Namespace(string) *policy.Namespace { return n.known }

// emergency is a fixture in which the glass can be broken, by everybody.
type emergency struct {
	*fixture
	emergencies
	permissions
	objects
}

func newEmergency(t *testing.T, spec string) *emergency {
	t.Helper()
	e := &emergency{fixture: newFixture(t, spec), permissions: permissions{may: true}}
	e.handler.Emergencies, e.handler.Permissions, e.handler.Objects = &e.emergencies, &e.permissions, &e.objects
	return e
}

const (
	inc  = "INC-1234 gateway down"
	mark = `metadata: {uid: u-1, annotations: {gitonly.dev/break-glass: INC-1234 gateway down}}, `
)

// web is an emergency of Deployment staging/web, by the annotation of mark.
func web(edits ...func(*policy.Emergency)) *policy.Emergency {
	e := &policy.Emergency{
		Name: "staging-deployment-web-x", Object: gitindex.Key{Group: "apps", Kind: "Deployment", Namespace: "staging", Name: "web"},
		UID: "u-1", Reason: inc, By: "dana", From: now.Add(-time.Minute), Until: now.Add(time.Hour), Hold: true,
	}
	for _, edit := range edits {
		edit(e)
	}
	return e
}

// marked puts the annotation into the objects of a request that have a UID.
func marked(request string) string {
	return strings.NewReplacer("oldObject: {", "oldObject: {"+mark, "\nobject: {", "\nobject: {"+mark).Replace(request)
}

var opening = strings.NewReplacer("oldObject: {", "oldObject: {metadata: {uid: u-1}, ", "\nobject: {", "\nobject: {"+mark).Replace(scaleUp)

func TestOrdinaryRequestsAskForNoEmergency(t *testing.T) {
	unchanged := strings.Replace(scaleUp, "replicas: 5", "replicas: 1", 1)
	for name, request := range map[string]string{
		"nothing changes":                     unchanged,
		"nothing of what is annotated":        marked(unchanged),
		"the control plane works":             strings.Replace(marked(scaleUp), "username: ann, groups: [developers]", "username: system:kube-controller-manager", 1),
		"Git is silent about it":              strings.Replace(marked(scaleUp), "name: web", "name: mine", 1),
		"the agent writes":                    strings.Replace(scaleUp, "username: ann", "username: robot", 1),
		"the agent writes what isn't marked":  strings.Replace(opening, "username: ann", "username: robot", 1),
		"the agent deletes what isn't marked": strings.NewReplacer("username: ann", "username: robot", "UPDATE", "DELETE", "\nobject: {spec: {replicas: 5}}", "").Replace(scaleUp),
	} {
		e := newEmergency(t, "{mode: Enforce, agents: {subjects: [{kind: User, name: robot}]}}")
		if response := e.ask(t, request); !response.Allowed {
			t.Errorf("%s: %s", name, response.Result.Message)
		}
		if asked := len(e.finds) + len(e.asked) + len(e.reads); asked > 0 || e.recorded != nil {
			t.Errorf("%s: looks for %q, asks for %q, reads %q, records %v", name, e.finds, e.asked, e.reads, e.recorded)
		}
	}
}

func TestOpeningIsSaidAndRecorded(t *testing.T) {
	e := newEmergency(t, "mode: Enforce")
	response := e.ask(t, opening)
	want := []string{
		"gitonly: the glass is broken for Deployment staging/web until 2026-03-01T13:00:00Z. What is done meanwhile is recorded.",
		"The sync agent is kept from taking it back. Bring it to Git before then; to end it earlier, remove the annotation.",
	}
	if diff := cmp.Diff(want, response.Warnings); !response.Allowed || diff != "" {
		t.Errorf("allowed %t, warnings (-want +got):\n%s", response.Allowed, diff)
	}
	audit := map[string]string{
		"outcome": "Allow", "reason": "BreakGlassOpened", "policy": "test", "source": "infra", "revision": "main@4f2c1ab", "fields": "spec.replicas",
		"breakGlassReason": inc, "breakGlassUntil": "2026-03-01T13:00:00Z", "without": "DeclaredFieldChanged",
	}
	if diff := cmp.Diff(audit, response.AuditAnnotations); diff != "" {
		t.Errorf("audit annotations (-want +got):\n%s", diff)
	}
	entries := []admission.Entry{{
		Review: "a-1", At: now, By: v1alpha1.User{Name: "ann", Groups: []string{"developers"}}, Operation: policy.Update,
		Key: web().Object, Version: "v1", UID: "u-1", Asked: policy.Annotation{Reason: inc},
		Verdict: policy.Verdict{Outcome: policy.Allow, Reason: policy.BreakGlassOpened, Mode: "Enforce", Policy: "test", Emergency: &policy.EmergencyUse{
			Terms: &policy.Terms{Reason: inc, Until: now.Add(time.Hour), Hold: true, Code: admission.Code("a-1")}, Without: policy.DeclaredFieldChanged, Unrecorded: "Allow",
		}},
	}}
	if diff := cmp.Diff(entries, e.recorded, cmpopts.IgnoreFields(policy.Verdict{}, "Actor", "Message", "Differences", "Declared")); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
	line := `"reason":"BreakGlassOpened"`
	if len(e.log) != 1 || !strings.Contains(e.log[0], line) || !strings.Contains(e.log[0], `"breakGlassReason":"`+inc+`"`) {
		t.Errorf("log: %s", e.log)
	}
}

func TestWhatIsReviewedAgainIsOfTheEmergencyThatItOpened(t *testing.T) {
	for _, test := range []struct {
		name  string
		known *policy.Emergency
		want  string
	}{
		{"by its words", web(), "staging-deployment-web-x"},
		{"not where its words are others", web(func(e *policy.Emergency) { e.Reason = "INC-1233" }), ""},
		{"not where it asks for another end", web(func(e *policy.Emergency) { e.Asked = e.Until }), ""},
		{"not where there is none", nil, ""},
	} {
		e := newEmergency(t, "")
		e.open = map[types.UID]*policy.Emergency{"u-1": test.known}
		if response := e.ask(t, opening); !response.Allowed || len(e.recorded) != 1 {
			t.Fatalf("%s: %+v", test.name, response)
		}
		got := ""
		if of := e.recorded[0].Verdict.Emergency.Emergency; of != nil {
			got = of.Name
		}
		if got != test.want {
			t.Errorf("%s: it is of %q", test.name, got)
		}
	}
}

func TestWhatMakesAnObjectIsRecordedWithItsUID(t *testing.T) {
	e := newEmergency(t, "mode: Enforce")
	created := strings.NewReplacer("UPDATE", "CREATE", "oldObject: {metadata: {uid: u-1}, spec: {replicas: 1}}\n", "").Replace(opening)
	if response := e.ask(t, created); !response.Allowed || len(e.recorded) != 1 || e.recorded[0].UID != "u-1" {
		t.Errorf("allowed %t, recorded %+v", response.Allowed, e.recorded)
	}
}

func TestADryRunIsDecidedAndNotRecorded(t *testing.T) {
	for name, request := range map[string]string{"opening": opening, "use": marked(scaleUp)} {
		e := newEmergency(t, "mode: Enforce")
		e.open = map[types.UID]*policy.Emergency{"u-1": web()}
		if name == "opening" {
			e.open = nil
		}
		if response := e.ask(t, request+"dryRun: true"); !response.Allowed || e.recorded != nil {
			t.Errorf("%s: allowed %t, recorded %v", name, response.Allowed, e.recorded)
		}
		if len(e.log) != 1 || !strings.Contains(e.log[0], `"dryRun":true`) {
			t.Errorf("%s: log: %s", name, e.log)
		}
	}
}

func TestWhatCannotBeRecordedIsForThePolicyToSay(t *testing.T) {
	const used = "gitonly: Deployment staging/web departs from Git, as BreakGlass staging-deployment-web-x permits until 2026-03-01T13:00:00Z. This is recorded."
	for _, test := range []struct {
		name, spec string
		breaks     bool
		allowed    bool
		said       string
	}{
		{"it lets", "mode: Enforce", false, true, used + "\ngitonly: but the record can't be written: quota exceeded."},
		{"it doesn't", "{mode: Enforce, breakGlass: {unrecorded: Deny}}", false, false,
			"gitonly: GuardPolicy test permits nothing in an emergency that can't be recorded (breakGlass.unrecorded: Deny): quota exceeded."},
		{"it lets, and recording breaks", "mode: Enforce", true, true, used + "\ngitonly: but the record can't be written: recording broke: no luck."},
		{"it doesn't, and recording breaks", "{mode: Enforce, breakGlass: {unrecorded: Deny}}", true, false,
			"gitonly: GuardPolicy test permits nothing in an emergency that can't be recorded (breakGlass.unrecorded: Deny): recording broke: no luck."},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := newEmergency(t, test.spec)
			e.open, e.unwrote, e.breaks = map[types.UID]*policy.Emergency{"u-1": web()}, errors.New("quota exceeded"), test.breaks
			response := e.ask(t, marked(scaleUp))
			said := strings.Join(response.Warnings, "\n") + response.Result.Message
			if diff := cmp.Diff(test.said, said); response.Allowed != test.allowed || diff != "" {
				t.Errorf("allowed %t, said (-want +got):\n%s", response.Allowed, diff)
			}
			if last := e.log[len(e.log)-1]; !test.allowed && !strings.Contains(last, `"outcome":"Deny","reason":"BreakGlassRefused"`) {
				t.Errorf("log: %s", last)
			}
		})
	}
}

func TestAnAnnotationThatStandsForNothingCountsForNothing(t *testing.T) {
	for name, record := range map[string]*policy.Emergency{
		"there is no record":      nil,
		"it says another reason":  web(func(e *policy.Emergency) { e.Reason = "INC-1 older" }),
		"it says another time":    web(func(e *policy.Emergency) { e.Asked = e.Until }),
		"it is of another object": web(func(e *policy.Emergency) { e.UID = "u-2" }),
	} {
		e := newEmergency(t, "mode: Enforce")
		uid := types.UID("u-1")
		if record != nil && record.UID != "" {
			uid = record.UID
		}
		e.open = map[types.UID]*policy.Emergency{uid: record}
		response := e.ask(t, marked(scaleUp))
		want := message + "\nThe annotation gitonly.dev/break-glass that is there permits nothing: gitonly let nobody set it. In an emergency, annotate it with gitonly.dev/break-glass: \"<why>\" (you may)."
		if diff := cmp.Diff(want, response.Result.Message); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestOnlyAnAnnotationWhoseRecordsCannotBeReadCountsByItself(t *testing.T) {
	inside := namespaces{&policy.Namespace{UID: "n-1", Annotations: map[string]string{v1alpha1.BreakGlassAnnotation: inc}}}
	for _, test := range []struct {
		name    string
		unread  map[types.UID]error
		request string
		allowed bool
	}{
		{"neither the object's nor its Namespace's", nil, marked(scaleUp), false},
		{"the object's", map[types.UID]error{"u-1": errors.New("timed out")}, marked(scaleUp), true},
		{"its Namespace's", map[types.UID]error{"n-1": errors.New("timed out")}, scaleUp, true},
		{"both", map[types.UID]error{"u-1": errors.New("timed out"), "n-1": errors.New("timed out")}, marked(scaleUp), true},
	} {
		e := newEmergency(t, "mode: Enforce")
		e.handler.Namespaces, e.unread = inside, test.unread
		if response := e.ask(t, test.request); response.Allowed != test.allowed {
			t.Errorf("%s: allowed %t: %s%s", test.name, response.Allowed, response.Result.Message, response.Warnings)
		}
	}
	// The object's says why it was set, and has no record; that is known.
	e := newEmergency(t, "{mode: Enforce, breakGlass: {reasonPattern: '^INC-'}}")
	e.handler.Namespaces = namespaces{&policy.Namespace{UID: "n-1", Annotations: map[string]string{v1alpha1.BreakGlassAnnotation: "hello"}}}
	e.unread = map[types.UID]error{"n-1": errors.New("timed out")}
	if response := e.ask(t, marked(scaleUp)); response.Allowed {
		t.Errorf("an annotation without a record counted as its Namespace's can't be looked up: %s", response.Warnings)
	}
}

func TestWhatCarriesNoAnnotationUsesTheObjects(t *testing.T) {
	scale := `
uid: a-5
kind: {group: autoscaling, version: v1, kind: Scale}
resource: {group: apps, version: v1, resource: deployments}
subResource: scale
namespace: staging
name: web
operation: UPDATE
userInfo: {username: ann}
oldObject: {metadata: {name: web}, spec: {replicas: 1}}
object: {metadata: {name: web}, spec: {replicas: 5}}
`
	object := controlled("u-1", "staging", "", "", "")
	object.Annotations = map[string]string{v1alpha1.BreakGlassAnnotation: inc}
	e := newEmergency(t, "mode: Enforce")
	e.denied, e.handler.Namespaces = true, namespaces{&policy.Namespace{UID: "n-1"}} // so that the object's alone asks for a permission
	e.open = map[types.UID]*policy.Emergency{"u-1": web()}
	e.owners = map[string]metav1.PartialObjectMetadata{"Deployment web": object}
	if response := e.ask(t, scale); !response.Allowed || response.AuditAnnotations["reason"] != "BreakGlassUsed" {
		t.Errorf("allowed %t: %s", response.Allowed, response.Result.Message)
	}
	e.objects.err = errors.New("deployments.apps is forbidden")
	response := e.ask(t, scale)
	want := message + "\nIn an emergency, annotate Namespace staging with gitonly.dev/break-glass: \"<why>\": whether Deployment staging/web has the annotation can't be told: reading Deployment staging/web: deployments.apps is forbidden."
	if diff := cmp.Diff(want, response.Result.Message); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if said := strings.Join(e.log, "\n"); !strings.Contains(said, "looking for the annotation that breaks the glass") {
		t.Errorf("log: %s", said)
	}
}

func TestANamespacesEmergencyCountsBeforeTheWatchHasIt(t *testing.T) {
	namespace := controlled("n-1", "", "", "", "")
	namespace.Annotations = map[string]string{v1alpha1.BreakGlassAnnotation: inc}
	e := newEmergency(t, "mode: Enforce")
	e.handler.Namespaces = namespaces{&policy.Namespace{UID: "n-1"}}
	e.owners = map[string]metav1.PartialObjectMetadata{"Namespace staging": namespace}
	e.open = map[types.UID]*policy.Emergency{"n-1": web()}
	if response := e.ask(t, scaleUp); !response.Allowed {
		t.Errorf("refused: %s", response.Result.Message)
	}
	if diff := cmp.Diff([]string{"Namespace /staging"}, e.reads); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
}

func TestWhoMayNotBreakTheGlassWaitsForNoOtherRead(t *testing.T) {
	e := newEmergency(t, "mode: Enforce")
	e.may = false
	e.handler.Namespaces = namespaces{&policy.Namespace{UID: "n-1"}}
	if response := e.ask(t, scaleUp); response.Allowed || len(e.asked) != 1 || e.reads != nil {
		t.Errorf("allowed %t, asked %q, read %q", response.Allowed, e.asked, e.reads)
	}
}

func TestWhoHadNoRightAMomentAgoIsAskedForAgainOnlyWhereItDecides(t *testing.T) {
	const asks = "\nIn an emergency, somebody with the verb break-glass on deployments.apps can let this pass."
	const offers = `In an emergency, annotate it with gitonly.dev/break-glass: "<why>" (you may).`
	const unlisted = "gitonly: gitonly.dev/break-glass-untill is no annotation of gitonly's, which are gitonly.dev/break-glass, gitonly.dev/break-glass-until, gitonly.dev/break-glass-approve."
	plain := &policy.Namespace{UID: "n-1"}
	for _, test := range []struct {
		name      string
		request   string
		namespace *policy.Namespace
		message   string // refused with, if it is
		asks      bool
	}{
		{"an ordinary write", scaleUp, plain, message + asks, false},
		{"one that sets the annotation", opening, plain, "", true},
		{"one of an object that has it", marked(scaleUp), plain, message + "\nThe annotation gitonly.dev/break-glass that is there permits nothing: gitonly let nobody set it. " + offers, true},
		{"one that spells it otherwise", strings.NewReplacer("oldObject: {", "oldObject: {metadata: {uid: u-1}, ", "\nobject: {", "\nobject: {metadata: {uid: u-1, annotations: {gitonly.dev/break-glass-untill: 1h}}, ").Replace(scaleUp), plain, unlisted, true},
		{"one in a Namespace that has it", scaleUp, &policy.Namespace{UID: "n-1", Annotations: map[string]string{v1alpha1.BreakGlassAnnotation: inc}}, "", true},
		{"one in a Namespace that isn't known yet", scaleUp, nil, message + "\n" + offers, true},
	} {
		e := newEmergency(t, "mode: Enforce")
		e.denied = true
		e.open = map[types.UID]*policy.Emergency{"n-1": web()}
		e.handler.Namespaces = namespaces{test.namespace}
		response := e.ask(t, test.request)
		said := ""
		if !response.Allowed {
			said = response.Result.Message
		}
		if diff := cmp.Diff(test.message, said); diff != "" {
			t.Errorf("%s: message (-want +got):\n%s", test.name, diff)
		}
		if asked := len(e.asked) > 0; asked != test.asks {
			t.Errorf("%s: the API server is asked: %t", test.name, asked)
		}
	}
}

func TestWhetherSomebodyMayIsAskedOnceAndSaidWhereItCannotBe(t *testing.T) {
	e := newEmergency(t, "mode: Enforce")
	e.permissions = permissions{err: errors.New("timed out")}
	response := e.ask(t, opening)
	want := "gitonly: the glass can't be broken for Deployment staging/web: asking the API server whether ann may: timed out. Ask somebody who has it."
	if response.Allowed || response.Result.Message != want {
		t.Errorf("allowed %t: %s", response.Allowed, response.Result.Message)
	}
	if diff := cmp.Diff([]string{"ann Deployment staging/web"}, e.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	if len(e.recorded) != 1 || e.recorded[0].Verdict.Outcome != policy.Deny {
		t.Errorf("the refusal isn't told: %v", e.recorded)
	}
}

func TestReadingThatBreaksDecidesNothing(t *testing.T) {
	e := newEmergency(t, "{mode: Enforce, undecidable: Deny}")
	e.breaks = true
	response := e.ask(t, marked(scaleUp))
	want := "gitonly: can't decide on Deployment staging/web: deciding broke: no luck.\nGuardPolicy test refuses what can't be decided (undecidable: Deny)."
	if response.Allowed || response.Result.Message != want {
		t.Errorf("allowed %t: %s", response.Allowed, response.Result.Message)
	}
}

func TestASecretsValueIsNotSaidInAnEmergency(t *testing.T) {
	agents := "{mode: Enforce, agents: {subjects: [{kind: User, name: robot}]}}"
	back := strings.NewReplacer("aHVudGVyMg==", "c2VzYW1l", "c2VzYW1l", "aHVudGVyMg==", "username: ann", "username: robot").Replace(secretChange)
	for name, request := range map[string]string{
		"opening": strings.Replace(secretChange, "\nobject: {", "\nobject: {"+mark, 1), "use": marked(secretChange), "held": marked(back),
	} {
		e := newEmergency(t, agents)
		e.open = map[types.UID]*policy.Emergency{"u-1": web(func(e *policy.Emergency) {
			e.Object = gitindex.Key{Kind: "Secret", Namespace: "staging", Name: "db"}
			e.Changed = []policy.Changed{{Key: e.Object, Fields: []string{"*"}}}
		})}
		response := e.ask(t, request)
		if response.Allowed == (name == "held") || !strings.Contains(response.AuditAnnotations["reason"], map[string]string{"opening": "Opened", "use": "Used", "held": "Held"}[name]) {
			t.Errorf("%s: allowed %t: %v", name, response.Allowed, response.AuditAnnotations)
		}
		said, err := json.Marshal(response)
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range []string{"hunter2", "sesame", "aHVudGVyMg", "c2VzYW1l"} {
			if strings.Contains(string(said)+strings.Join(e.log, "\n"), value) {
				t.Errorf("%s says %s:\n%s\n%s", name, value, said, e.log)
			}
		}
	}
}

func TestAgreeingIsAskedForSaidAndRecorded(t *testing.T) {
	waits := web(func(e *policy.Emergency) { e.AskedBy, e.Approvers, e.Code = "dana", 1, "c0de" })
	agreeing := strings.NewReplacer("oldObject: {", "oldObject: {"+mark, "\nobject: {spec: {replicas: 5}", "\nobject: {"+strings.Replace(mark, "annotations: {", "annotations: {gitonly.dev/break-glass-approve: c0de, ", 1)+"spec: {replicas: 1}").Replace(scaleUp)
	for _, test := range []struct {
		name     string
		edit     func(*emergency)
		request  string
		allowed  bool
		said     string
		recorded int
	}{
		{"by who may", func(e *emergency) { e.approves = true }, agreeing, true, "gitonly: ann agreed with dana: the glass is broken for Deployment staging/web until 2026-03-01T13:00:00Z. What is done meanwhile is recorded.", 1},
		{"by a dry run", func(e *emergency) { e.approves = true }, agreeing + "dryRun: true", true, "gitonly: ann would agree with dana: the glass would be broken for Deployment staging/web until 2026-03-01T13:00:00Z. This is a dry run: nothing is recorded.", 0},
		{"not by who may not", func(*emergency) {}, agreeing, false, "gitonly: ann can't agree to an emergency of Deployment staging/web: it takes the verb approve-break-glass on deployments.apps, which ann hasn't got.", 1},
		{"not where it can't be recorded", func(e *emergency) { e.approves, e.unwrote = true, errors.New("quota exceeded") }, agreeing, false, "gitonly: GuardPolicy test permits nothing in an emergency that can't be recorded (breakGlass.approvers: 1): quota exceeded.", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := newEmergency(t, "{mode: Enforce, breakGlass: {approvers: 1}}")
			e.open = map[types.UID]*policy.Emergency{"u-1": waits}
			test.edit(e)
			response := e.ask(t, test.request)
			said := strings.Join(response.Warnings, "\n") + response.Result.Message
			if diff := cmp.Diff(test.said, said); response.Allowed != test.allowed || diff != "" || len(e.recorded) != test.recorded {
				t.Errorf("allowed %t, %d recorded, said (-want +got):\n%s", response.Allowed, len(e.recorded), diff)
			}
			if diff := cmp.Diff([]string{"ann Deployment staging/web", "ann to approve Deployment staging/web"}, e.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatOthersHaveToAgreeToIsNotOpenedUnrecorded(t *testing.T) {
	e := newEmergency(t, "{mode: Enforce, breakGlass: {approvers: 2}}")
	e.unwrote = errors.New("quota exceeded")
	response := e.ask(t, strings.Replace(opening, "replicas: 5", "replicas: 1", 1))
	want := "gitonly: GuardPolicy test permits nothing in an emergency that can't be recorded (breakGlass.approvers: 2): quota exceeded."
	if response.Allowed || response.Result.Message != want {
		t.Errorf("allowed %t: %s", response.Allowed, response.Result.Message)
	}
	if audit := response.AuditAnnotations["breakGlassApprovers"]; audit != "2" {
		t.Errorf("audited %q", audit)
	}
}
