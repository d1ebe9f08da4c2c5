package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionregistration "k8s.io/api/admissionregistration/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/config/webhook"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// objects are read from one YAML document each.
func objects(t *testing.T, documents ...string) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(v1alpha1.AddToScheme(scheme), admissionregistration.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	built := fake.NewClientBuilder().WithScheme(scheme).WithReturnManagedFields()
	for _, document := range documents {
		var object client.Object = &v1alpha1.GitSource{}
		switch {
		case strings.Contains(document, "kind: GuardPolicy"):
			object = &v1alpha1.GuardPolicy{}
		case strings.Contains(document, "kind: BreakGlass"):
			object = &v1alpha1.BreakGlass{}
		case strings.Contains(document, "kind: ValidatingWebhookConfiguration"):
			object = &admissionregistration.ValidatingWebhookConfiguration{}
		}
		if err := yaml.UnmarshalStrict([]byte(document), object); err != nil {
			t.Fatal(err)
		}
		built = built.WithObjects(object)
	}
	return built.Build()
}

var statusTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func shownStatus(t *testing.T, print func(*bytes.Buffer, status) error, documents ...string) string {
	t.Helper()
	s, err := readStatus(t.Context(), objects(t, documents...), anyRegistration)
	if err != nil {
		t.Fatal(err)
	}
	s.now = statusTime
	var out bytes.Buffer
	if err := print(&out, s); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestStatusSaysWhereGitComesFromAndWhatIsWrong(t *testing.T) {
	got := shownStatus(t, func(out *bytes.Buffer, s status) error { return printStatus(out, s) }, `
kind: GitSource
metadata: {name: infra}
spec: {git: {url: "https://git.example.com/org/infra.git", paths: [{path: apps}, {path: db}]}}
status:
  from: https://git.example.com/org/infra.git
  revision: {name: main, commit: 4f2c1ab93d0e8f7a6b5c4d3e2f1a0b9c8d7e6f5a}
  lastCheckTime: "2026-03-01T11:59:48Z"
  objects: 16
  replicas:
  - {name: gitonly-a, revision: main@4f2c1ab, lastSeenTime: "2026-03-01T11:59:30Z"}
  - {name: gitonly-b, revision: main@4f2c1ab, lastSeenTime: "2026-03-01T11:59:40Z"}
  paths:
  - {path: apps, objects: 16, revision: main@4f2c1ab}
  - {path: db, objects: 0, message: "db/kustomization.yaml:3: resource pvc.yaml is not there"}
  conditions: [{type: Ready, status: "False", reason: RenderFailed, message: "db: db/kustomization.yaml:3: resource pvc.yaml is not there", lastTransitionTime: null}]
`, `
kind: GitSource
metadata: {name: flux}
spec: {flux: {}}
status:
  from: Flux
  lastCheckTime: "2026-03-01T11:58:00Z"
  objects: 340
  sources: {total: 12, rendered: 11, recorded: 1, troubled: [{name: Kustomization flux-system/charts, message: "known by the agent's record alone: its source is a Bucket"}]}
  identities: [flux-system/helm-controller, flux-system/kustomize-controller]
  replicas:
  - {name: gitonly-a, revision: cf8c930d of 12 sources, lastSeenTime: "2026-03-01T11:59:30Z"}
  - {name: gitonly-b, revision: 0b497155 of 12 sources, lastSeenTime: "2026-03-01T11:57:00Z"}
  - {name: gitonly-c, revision: "", lastSeenTime: "2026-03-01T11:59:50Z"}
  conditions: [{type: Ready, status: "True", reason: Rendered, message: "340 objects of 12 sources.", lastTransitionTime: null}]
`, `
kind: GitSource
metadata: {name: new}
spec: {argoCD: {}}
`, `
kind: GitSource
metadata: {name: argocd}
spec: {argoCD: {}}
status:
  from: Argo CD in argocd
  sources: {total: 1, rendered: 1}
  conditions: [{type: Ready, status: "True", reason: Rendered, message: ok, lastTransitionTime: null}]
`, `
kind: GuardPolicy
metadata: {name: workloads}
spec: {mode: Enforce, undecidable: Allow}
status:
  conditions:
  - {type: Ready, status: "True", reason: Applied, message: ok, lastTransitionTime: null}
  - {type: Agents, status: "False", reason: AgentNotFound, message: "ServiceAccount flux-system/syncer of spec.agents doesn't exist", lastTransitionTime: null}
`, `
kind: GuardPolicy
metadata: {name: everything}
spec: {mode: Audit, undecidable: Allow}
status:
  conditions:
  - {type: Ready, status: "True", reason: Applied, message: ok, lastTransitionTime: null}
  - {type: Agents, status: "True", reason: Found, message: ok, lastTransitionTime: null}
`, `
kind: GuardPolicy
metadata: {name: new}
spec: {mode: "Off", undecidable: Deny}
`, `
kind: GuardPolicy
metadata: {name: unreadable}
spec: {mode: Audit, undecidable: Allow}
status:
  conditions:
  - {type: Ready, status: "True", reason: Applied, message: ok, lastTransitionTime: null}
  - {type: Agents, status: Unknown, reason: Unreadable, message: "looking for ServiceAccount flux-system/syncer: forbidden", lastTransitionTime: null}
`, `
kind: BreakGlass
metadata: {name: staging-deployment-web-7vrz4c}
spec: {object: {kind: Deployment, namespace: staging, name: web}, openedBy: {user: dana}, reason: INC-1234 gateway down, from: "2026-03-01T11:30:00Z", until: "2026-03-01T12:30:00Z"}
status: {state: Active, useCount: 3}
`, `
kind: BreakGlass
metadata: {name: over}
spec: {object: {kind: Deployment, namespace: staging, name: web}, openedBy: {user: dana}, reason: INC-1233 disk full, from: "2026-03-01T10:30:00Z", until: "2026-03-01T11:30:00Z"}
status: {state: Expired}
`, string(webhook.Registration))
	want := `SOURCE   FROM                                    REVISION       OBJECTS   CHECKED   READY
argocd   Argo CD in argocd (1 source)            -              0         never     yes
flux     Flux (12 sources)                       -              340       2m ago    yes
infra    https://git.example.com/org/infra.git   main@4f2c1ab   16        12s ago   no, RenderFailed
new      -                                       -              0         never     not seen by gitonly yet

POLICY       MODE      UNDECIDABLE   READY                     AGENTS
everything   Audit     Allow         yes                       yes
new          Off       Deny          not seen by gitonly yet   -
unreadable   Audit     Allow         yes                       unknown, Unreadable
workloads    Enforce   Allow         yes                       no, AgentNotFound

The API server asks gitonly by ValidatingWebhookConfiguration gitonly, failurePolicy Ignore; it has no caBundle: unless the API server's own roots vouch for gitonly's certificate, every write passes.

OBJECT                   STATE    BY     SINCE                  UNTIL                             USES   REASON
Deployment staging/web   Active   dana   2026-03-01T11:30:00Z   2026-03-01T12:30:00Z (30m left)   3      INC-1234 gateway down

GitSource argocd
  1 rendered, 0 known by the agent's record alone, 1 in all

GitSource flux
  11 rendered, 1 known by the agent's record alone, 12 in all
  Kustomization flux-system/charts: known by the agent's record alone: its source is a Bucket
  replica gitonly-a is at cf8c930d of 12 sources (seen 30s ago)
  replica gitonly-b is at 0b497155 of 12 sources (seen 3m ago)
  replica gitonly-c is at no revision (seen 10s ago)
  writes as ServiceAccount flux-system/helm-controller
  writes as ServiceAccount flux-system/kustomize-controller

GitSource infra
  db: db/kustomization.yaml:3: resource pvc.yaml is not there

GuardPolicy unreadable
  looking for ServiceAccount flux-system/syncer: forbidden

GuardPolicy workloads
  ServiceAccount flux-system/syncer of spec.agents doesn't exist
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
}

func TestStatusSaysThatThereIsNothing(t *testing.T) {
	got := shownStatus(t, func(out *bytes.Buffer, s status) error { return printStatus(out, s) })
	want := `There is no GitSource: nothing is declared in Git.

There is no GuardPolicy: nothing is guarded.

The API server asks gitonly about nothing, and every write passes: there is no ValidatingWebhookConfiguration of it.
(If that is in a file of the API server's, say so by --webhook-configuration=.)
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
}

func TestStatusIsReadByScripts(t *testing.T) {
	text := shownStatus(t, func(out *bytes.Buffer, s status) error { return printStatusJSON(out, s) }, "kind: GitSource\nmetadata: {name: new}\nspec: {flux: {}}")
	var read status
	if err := json.Unmarshal([]byte(text), &read); err != nil || len(read.Sources) != 1 || read.Sources[0].Name != "new" {
		t.Errorf("%v, read %+v", err, read)
	}
	inYAML := shownStatus(t, func(out *bytes.Buffer, s status) error { return printStatusYAML(out, s) })
	if inYAML != "breakGlasses: []\ngitSources: []\nguardPolicies: []\nregistrations:\n  found: []\n" {
		t.Errorf("printed %q", inYAML)
	}
}

func TestStatusLeavesOutWhoSetWhichField(t *testing.T) {
	const managed = "managedFields: [{manager: kubectl, operation: Apply, apiVersion: gitonly.dev/v1alpha1, fieldsType: FieldsV1, fieldsV1: {}}]"
	got := shownStatus(t, func(out *bytes.Buffer, s status) error { return printStatusYAML(out, s) },
		"kind: GitSource\nmetadata: {name: infra, "+managed+"}\nspec: {flux: {}}",
		"kind: GuardPolicy\nmetadata: {name: workloads, "+managed+"}\nspec: {mode: Audit}",
		"kind: BreakGlass\nmetadata: {name: web, "+managed+"}\nstatus: {state: Active}")
	if strings.Contains(got, "managedFields") || !strings.Contains(got, "name: infra") || !strings.Contains(got, "name: workloads") || !strings.Contains(got, "name: web") {
		t.Errorf("printed\n%s", got)
	}
}

func TestStatusSaysEachConflictOnce(t *testing.T) {
	const twice = "Namespace staging is declared twice: by source apps (ns.yaml) and by source infra (ns.yaml); the first is used: remove one of them"
	got := shownStatus(t, func(out *bytes.Buffer, s status) error { return printDetails(out, s) }, `
kind: GitSource
metadata: {name: infra}
status:
  conflicts: ["`+twice+`"]
  conditions: [{type: Ready, status: "False", reason: Conflict, message: "`+twice+`", lastTransitionTime: null}]
`)
	if want := "\nGitSource infra\n  " + twice + "\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func TestAClusterWithoutGitonlyIsToldSo(t *testing.T) {
	err := unread("GitSources", &apimeta.NoKindMatchError{GroupKind: schema.GroupKind{Kind: "GitSource"}})
	if want := "this cluster knows no GitSources: install gitonly's CustomResourceDefinitions"; err.Error() != want {
		t.Errorf("got %q", err)
	}
	if err := unread("GitSources", errors.New("connection refused")); err.Error() != "listing GitSources: connection refused" {
		t.Errorf("got %q", err)
	}
}
