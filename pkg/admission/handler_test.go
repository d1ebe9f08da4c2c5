package admission_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/client-go/kubernetes/scheme"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fixture is a handler whose Git declares Secret staging/db with password
// "hunter2", and Deployment staging/web with one replica.
type fixture struct {
	handler  *admission.Handler
	policies admission.PolicyStore
	index    gitindex.Index
	log      []string
	looks    []string // sources that were asked to be refreshed
}

func (f *fixture) Refresh(source string) { f.looks = append(f.looks, source) }

func newFixture(t testing.TB, spec string) *fixture {
	t.Helper()
	f := &fixture{}
	origin := gitindex.Origin{Source: "infra", URL: "https://git.example.com/org/infra", Revision: gitindex.Revision{Name: "main", Commit: "4f2c1ab93d"}, Path: "apps", File: "apps/all.yaml"}
	f.index.Publish(gitindex.NewSnapshot([]gitindex.SourceState{{
		Source: gitindex.Source{Name: "infra"}, Revision: origin.Revision, CheckedAt: now,
		Locations: []gitindex.LocationState{{Revision: origin.Revision, Objects: []gitindex.Declared{
			{Key: gitindex.Key{Kind: "Secret", Namespace: "staging", Name: "db"}, APIVersion: "v1", Manifest: gitindex.NewManifest([]byte(`{"stringData":{"password":"hunter2"}}`)), Origin: origin},
			{Key: gitindex.Key{Group: "apps", Kind: "Deployment", Namespace: "staging", Name: "web"}, APIVersion: "apps/v1", Manifest: gitindex.NewManifest([]byte(`{"spec":{"replicas":1}}`)), Origin: origin},
		}}},
	}}))
	guard := v1alpha1.GuardPolicy{}
	guard.Name = "test"
	if err := yaml.UnmarshalStrict([]byte(spec), &guard.Spec); err != nil {
		t.Fatal(err)
	}
	guard.SetDefaults()
	types, err := builtin.Types()
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.New([]v1alpha1.GuardPolicy{guard}, types)
	if err != nil {
		t.Fatal(err)
	}
	f.policies.Set(p)
	log := funcr.NewJSON(func(line string) { f.log = append(f.log, line) }, funcr.Options{})
	f.handler = admission.NewHandler(admission.Parts{
		Snapshots: &f.index, Policies: &f.policies, Kinds: admission.NewKinds(scheme.Scheme, nil), Refresher: f,
		Clock: clocktesting.NewFakePassiveClock(now), Log: log,
	})
	return f
}

// ask sends the request to the handler as the API server does.
func (f *fixture) ask(t *testing.T, request string) *admissionv1.AdmissionResponse {
	t.Helper()
	return post(t, endpoint(t, f.handler, 10), asReview(t, request))
}

func asReview(t *testing.T, request string) []byte {
	t.Helper()
	body, err := yaml.YAMLToJSON([]byte("apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\nrequest:\n" + indent(request)))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// endpoint serves a handler as the API server finds it.
func endpoint(t testing.TB, handler *admission.Handler, concurrency int) *admission.Endpoint {
	t.Helper()
	e, err := admission.NewEndpoint(handler, concurrency, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}

func post(t *testing.T, handler http.Handler, body []byte) *admissionv1.AdmissionResponse {
	t.Helper()
	recorder := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/validate", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	handler.ServeHTTP(recorder, request)
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(recorder.Body.Bytes(), &review); err != nil {
		t.Fatalf("%d %s: %v", recorder.Code, recorder.Body, err)
	}
	return review.Response
}

const scaleUp = `
uid: a-1
kind: {group: apps, version: v1, kind: Deployment}
resource: {group: apps, version: v1, resource: deployments}
namespace: staging
name: web
operation: UPDATE
userInfo: {username: ann, groups: [developers]}
oldObject: {spec: {replicas: 1}}
object: {spec: {replicas: 5}}
`

const message = `gitonly: Deployment staging/web is declared in Git: apps at main@4f2c1ab (checked 0s ago).
This request departs from it:
  spec.replicas: Git says 1, the request says 5   (apps/all.yaml)
Change it there: https://git.example.com/org/infra/blob/main/apps/all.yaml`

func TestARefusalIsForbiddenWithTheWholeMessage(t *testing.T) {
	response := newFixture(t, "mode: Enforce").ask(t, scaleUp)
	if response.Allowed || response.Result.Code != http.StatusForbidden || response.Result.Reason != "Forbidden" || response.UID != "a-1" {
		t.Errorf("response: %+v", response)
	}
	if diff := cmp.Diff(message, response.Result.Message); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	want := map[string]string{
		"outcome": "Deny", "reason": "DeclaredFieldChanged", "policy": "test",
		"source": "infra", "revision": "main@4f2c1ab", "fields": "spec.replicas",
	}
	if diff := cmp.Diff(want, response.AuditAnnotations); diff != "" {
		t.Errorf("audit annotations (-want +got):\n%s", diff)
	}
}

func TestAuditModeWarnsInLinesThatNameTheirObject(t *testing.T) {
	response := newFixture(t, "mode: Audit").ask(t, scaleUp)
	if !response.Allowed {
		t.Errorf("response: %+v", response)
	}
	want := []string{
		"gitonly: would be refused, but for Audit mode: Deployment staging/web is declared in Git: apps at main@4f2c1ab (checked 0s ago).",
		"  Deployment staging/web: spec.replicas: Git says 1, the request says 5   (apps/all.yaml)",
		"  Deployment staging/web: Change it there: https://git.example.com/org/infra/blob/main/apps/all.yaml",
	}
	if diff := cmp.Diff(want, response.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if got := response.AuditAnnotations["outcome"]; got != "Warn" {
		t.Errorf("the outcome in the audit log is %s", got)
	}
}

func TestLongWarningsEndWithWhatToDo(t *testing.T) {
	var annotations []string
	for i := range 10 {
		annotations = append(annotations, fmt.Sprintf("example.com/a%d: %s", i, strings.Repeat("é", 200)))
	}
	long := strings.Replace(scaleUp, "object: {spec: {replicas: 5}}", "object: {metadata: {annotations: {"+strings.Join(annotations, ", ")+"}}, spec: {replicas: 1}}", 1)
	long = strings.Replace(long, "oldObject: {spec", "oldObject: {metadata: {annotations: {b: c}}, spec", 1)
	got := newFixture(t, "mode: Audit").ask(t, long).Warnings
	want := []string{"  Deployment staging/web: … and more: see the audit log", "  Deployment staging/web: To keep this change, make it in https://git.example.com/org/infra/blob/main/apps/all.yaml"}
	if diff := cmp.Diff(want, got[max(0, len(got)-2):]); diff != "" {
		t.Errorf("the last warnings (-want +got):\n%s", diff)
	}
	if size := len(strings.Join(got, "")); size > 4096 {
		t.Errorf("the API server would shorten %d bytes", size)
	}
}

func TestAVerdictThatIsNotAPlainAllowIsOneLogLine(t *testing.T) {
	f := newFixture(t, "mode: Enforce")
	f.ask(t, scaleUp)
	f.ask(t, strings.Replace(scaleUp, "replicas: 5", "replicas: 1", 1))
	want := []string{`{"logger":"","level":0,"msg":"verdict","outcome":"Deny","reason":"DeclaredFieldChanged","policy":"test","mode":"Enforce","actor":"Person","user":"ann","operation":"UPDATE","group":"apps","resource":"deployments","subresource":"","namespace":"staging","name":"web","uid":"a-1","source":"infra","revision":"main@4f2c1ab","path":"apps","fields":["spec.replicas"]}`}
	if diff := cmp.Diff(want, f.log); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

// secretChange is a person's change of a Secret, from hunter2 to sesame.
const secretChange = `
uid: a-2
kind: {version: v1, kind: Secret}
resource: {version: v1, resource: secrets}
namespace: staging
name: db
operation: UPDATE
userInfo: {username: ann}
oldObject: {data: {password: aHVudGVyMg==}}
object: {data: {password: c2VzYW1l}}
`

func TestASecretsValueIsNeverSaid(t *testing.T) {
	f := newFixture(t, "mode: Enforce")
	response := f.ask(t, secretChange)
	said, err := json.Marshal(response)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"hunter2", "aHVudGVyMg", "sesame", "c2VzYW1l"} {
		if strings.Contains(string(said)+strings.Join(f.log, ""), secret) {
			t.Errorf("%s is in the response or the log", secret)
		}
	}
	if want := "  data.password: the request departs from Git's value (not shown)   (apps/all.yaml)"; !strings.Contains(response.Result.Message, want) {
		t.Errorf("message: %s", response.Result.Message)
	}
}

func TestTheObjectOfARequest(t *testing.T) {
	f := newFixture(t, "{mode: Enforce, undeclaredObjects: {people: Deny}}")
	for _, test := range []struct{ name, request, want string }{
		{"deletecollection names it only in the old object", `
kind: {group: apps, version: v1, kind: Deployment}
resource: {group: apps, version: v1, resource: deployments}
namespace: staging
operation: DELETE
oldObject: {metadata: {name: web}}`, "gitonly: Deployment staging/web is declared in Git"},
		{"generateName has no name yet", `
kind: {version: v1, kind: Pod}
resource: {version: v1, resource: pods}
namespace: staging
operation: CREATE
object: {metadata: {generateName: web-}}`, "gitonly: Pod staging/web-* is not declared in Git"},
		{"a scale is of what it scales", `
kind: {group: autoscaling, version: v1, kind: Scale}
resource: {group: apps, version: v1, resource: deployments}
subResource: scale
namespace: staging
name: web
operation: UPDATE
oldObject: {spec: {replicas: 1}}
object: {spec: {replicas: 2}}`, "gitonly: Deployment staging/web is declared in Git"},
		{"a namespace is in no namespace", `
kind: {version: v1, kind: Namespace}
resource: {version: v1, resource: namespaces}
namespace: staging
name: staging
operation: DELETE
oldObject: {metadata: {name: staging}}`, "gitonly: Namespace staging holds 2 objects that Git declares."},
		{"a custom resource's subresource, where nobody knows its kind", `
kind: {group: autoscaling, version: v1, kind: Scale}
resource: {group: example.com, version: v1, resource: widgets}
subResource: scale
namespace: staging
name: w
operation: UPDATE
oldObject: {spec: {replicas: 1}}
object: {spec: {replicas: 2}}`, "gitonly: widgets staging/w is not declared in Git"},
	} {
		t.Run(test.name, func(t *testing.T) {
			response := f.ask(t, test.request)
			if response.Allowed || !strings.HasPrefix(response.Result.Message, test.want) {
				t.Errorf("allowed %t: %s", response.Allowed, response.Result.Message)
			}
		})
	}
}

func TestAMalformedAdmissionReviewIsNoAllow(t *testing.T) {
	webhook := endpoint(t, newFixture(t, "mode: Enforce").handler, 10)
	for body, want := range map[string]string{
		"{":  "gitonly: reading the AdmissionReview: unexpected end of JSON input\n",
		"[]": "gitonly: reading the AdmissionReview: json: cannot unmarshal array into Go value of type v1.AdmissionReview\n",
		"":   "gitonly: reading the AdmissionReview: unexpected end of JSON input\n",
		"{}": "gitonly: this is no AdmissionReview of admission.k8s.io/v1\n",
	} {
		recorder := httptest.NewRecorder()
		webhook.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate", strings.NewReader(body)))
		if recorder.Code != http.StatusBadRequest || recorder.Body.String() != want {
			t.Errorf("%q: %d %s, want %s", body, recorder.Code, recorder.Body, want)
		}
	}
	response := post(t, webhook, []byte(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`))
	if !response.Allowed || response.AuditAnnotations["reason"] != "Undecidable" {
		t.Errorf("a review without a request: allowed %t, %s", response.Allowed, response.AuditAnnotations)
	}
}

// broken is a place for snapshots that panics.
type broken struct{}

func (broken) Current() *gitindex.Snapshot { panic("no luck") }

func TestAPanicIsUndecidable(t *testing.T) {
	f := newFixture(t, "{mode: Enforce, undecidable: Deny}")
	log := funcr.NewJSON(func(line string) { f.log = append(f.log, line) }, funcr.Options{})
	f.handler = admission.NewHandler(admission.Parts{
		Snapshots: broken{}, Policies: &f.policies, Kinds: admission.NewKinds(scheme.Scheme, nil),
		Clock: clocktesting.NewFakePassiveClock(now), Log: log,
	})
	response := f.ask(t, scaleUp)
	want := "gitonly: can't decide on Deployment staging/web: deciding broke: no luck.\nGuardPolicy test refuses what can't be decided (undecidable: Deny)."
	if response.Allowed || response.Result.Message != want {
		t.Errorf("allowed %t: %s", response.Allowed, response.Result.Message)
	}
	if len(f.log) != 2 {
		t.Errorf("log: %s", f.log)
	}
}

func TestARefusalLooksAtGitAgain(t *testing.T) {
	f := newFixture(t, "{mode: Enforce, undeclaredObjects: {people: Deny}}")
	f.ask(t, strings.Replace(scaleUp, "replicas: 5", "replicas: 1", 1))
	if f.looks != nil {
		t.Errorf("an Allow looks at %s", f.looks)
	}
	f.ask(t, scaleUp)
	f.ask(t, strings.Replace(scaleUp, "name: web", "name: other", 1))
	if diff := cmp.Diff([]string{"infra", "infra"}, f.looks); diff != "" {
		t.Errorf("looks (-want +got):\n%s", diff)
	}
}

func TestNoPolicyYetIsNotAnAnswer(t *testing.T) {
	var policies admission.PolicyStore
	served := policies.Guarded(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for _, want := range []int{http.StatusServiceUnavailable, http.StatusTeapot} {
		recorder := httptest.NewRecorder()
		served.ServeHTTP(recorder, httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/validate", http.NoBody))
		if recorder.Code != want {
			t.Errorf("status %d, want %d", recorder.Code, want)
		}
		policies.Set(policy.Policy{})
	}
}
