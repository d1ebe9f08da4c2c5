package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

func TestWhatIsWrongWithBreakGlassIsSaidInOneLine(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(empty, []byte("apiVersion: v1\nkind: Config\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", empty)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no reason":                {[]string{"deploy/web"}, "--reason is missing: say why, such as --reason 'INC-1234 payment gateway down'; or --end"},
		"an empty reason":          {[]string{"deploy/web", "--reason", " "}, "--reason is missing: say why, such as --reason 'INC-1234 payment gateway down'; or --end"},
		"no object":                {[]string{"--reason", "INC-1234"}, "no object is named: write KIND/NAME, such as deployment/web"},
		"nothing to end":           {[]string{"--end"}, "no object is named: write KIND/NAME, such as deployment/web"},
		"no name":                  {[]string{"deploy", "--reason", "INC-1234"}, `"deploy" names no object: write KIND/NAME, such as deployment/web`},
		"two names":                {[]string{"deploy/web", "db", "--reason", "INC-1234"}, `"deploy/web db" names no object: write KIND/NAME, such as deployment/web`},
		"two ends":                 {[]string{"deploy/web", "--reason", "INC-1234", "--for", "1h", "--until", "2026-03-01T12:00:00Z"}, "--for and --until both say when it ends: leave one out"},
		"a negative time":          {[]string{"deploy/web", "--reason", "INC-1234", "--for", "-1h"}, "--for=-1h0m0s: it is longer than 0s, such as 1h"},
		"an end with reason":       {[]string{"deploy/web", "--reason", "INC-1234", "--end"}, "--end takes no --reason, --for or --until"},
		"an agreement with reason": {[]string{"deploy/web", "--reason", "INC-1234", "--approve"}, "--approve takes no --end, --reason, --for or --until"},
		"an end that is agreed to": {[]string{"deploy/web", "--end", "--approve"}, "--approve takes no --end, --reason, --for or --until"},
		"nothing to agree to":      {[]string{"--approve"}, "no object is named: write KIND/NAME, such as deployment/web"},
		"a list of one":            {[]string{"deploy/web", "--all"}, "--list, --all and --output list all emergencies: leave out the object, or them"},
		"another output":           {[]string{"-o", "wide"}, "--output=wide: it is json or yaml"},
		"no cluster":               {[]string{"deploy/web", "--reason", "INC-1234"}, "finding the cluster: there is no kubeconfig: name one with --kubeconfig, or in $KUBECONFIG"},
		"no cluster to list":       {nil, "finding the cluster: there is no kubeconfig: name one with --kubeconfig, or in $KUBECONFIG"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), append([]string{"break-glass"}, c.args...), nil, &stdout, &stderr)
			if code != 1 || stdout.Len() > 0 || stderr.String() != "error: "+c.want+"\n" {
				t.Errorf("exit status %d, printed %q, and on standard error %q", code, stdout.String(), stderr.String())
			}
		})
	}
}

func TestAnEmergencyIsAskedForByAnnotations(t *testing.T) {
	now := time.Date(2026, 3, 1, 13, 0, 0, 0, time.FixedZone("CET", 3600))
	text := func(s string) *string { return &s }
	for name, c := range map[string]struct {
		asked       opening
		end         bool
		why, until  *string
		wantProblem string
	}{
		"by a reason alone": {asked: opening{reason: "INC-1234"}, why: text("INC-1234")},
		"for a time":        {asked: opening{reason: "INC-1234", length: time.Hour}, why: text("INC-1234"), until: text("2026-03-01T13:00:00Z")},
		"until a time":      {asked: opening{reason: "INC-1234", until: "2026-03-01T14:00:00+01:00"}, why: text("INC-1234"), until: text("2026-03-01T14:00:00+01:00")},
		"to end":            {end: true},
		"until some time":   {asked: opening{reason: "INC-1234", until: "noon"}, wantProblem: "--until=noon: write a time such as 2026-03-01T13:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.asked.annotations(c.end, now)
			if c.wantProblem != "" {
				if err == nil || err.Error() != c.wantProblem {
					t.Errorf("got %v", err)
				}
				return
			}
			want := map[string]*string{v1alpha1.BreakGlassAnnotation: c.why, v1alpha1.BreakGlassUntilAnnotation: c.until}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v, (-want +got):\n%s", err, diff)
			}
		})
	}
}

// emergencies are an open one, one whose time is over but not its state, an
// ended one, and a later open one.
const emergencies = `
items:
- metadata: {name: a}
  spec: {object: {kind: Deployment, namespace: staging, name: web}, reason: INC-1 gateway down, openedBy: {user: dana}, from: "2026-03-01T11:00:00Z", until: "2026-03-01T12:35:00Z"}
  status: {state: Active, useCount: 3}
- metadata: {name: b}
  spec: {object: {kind: Namespace, name: db}, reason: INC-2 restoring, openedBy: {user: admin}, from: "2026-03-01T10:00:00Z", until: "2026-03-01T11:59:00Z"}
- metadata: {name: c}
  spec: {object: {kind: Deployment, namespace: staging, name: api}, reason: INC-3 rollback, openedBy: {user: dana}, from: "2026-03-01T11:30:00Z", until: "2026-03-01T15:30:00Z"}
  status: {state: Ended, endedAt: "2026-03-01T11:40:00Z", useCount: 1}
- metadata: {name: d}
  spec: {object: {kind: ConfigMap, namespace: staging, name: flags}, reason: INC-4 flag off, openedBy: {user: kim}, from: "2026-03-01T11:50:00Z", until: "2026-03-01T15:50:00Z"}
  status: {state: Active, useCount: 1}
`

func listed(t *testing.T, l listing, document string) string {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	var list v1alpha1.BreakGlassList
	if err := yaml.UnmarshalStrict([]byte(document), &list); err != nil {
		t.Fatal(err)
	}
	found, err := readEmergencies(t.Context(), fake.NewClientBuilder().WithScheme(scheme).WithLists(&list).Build(), l.all)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := l.print(&out, found, statusTime); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestEmergenciesAreListedOpenOnesFirst(t *testing.T) {
	for name, c := range map[string]struct {
		list            listing
		documents, want string
	}{
		"those that are open": {listing{}, emergencies, `OBJECT                    STATE    BY      SINCE                  UNTIL                               USES   REASON
ConfigMap staging/flags   Active   kim     2026-03-01T11:50:00Z   2026-03-01T15:50:00Z (3h50m left)   1      INC-4 flag off
Deployment staging/web    Active   dana    2026-03-01T11:00:00Z   2026-03-01T12:35:00Z (35m left)     3      INC-1 gateway down
Namespace db              Active   admin   2026-03-01T10:00:00Z   2026-03-01T11:59:00Z (over)         0      INC-2 restoring
`},
		"all": {listing{all: true}, emergencies, `OBJECT                    STATE    BY      SINCE                  UNTIL                               USES   REASON
ConfigMap staging/flags   Active   kim     2026-03-01T11:50:00Z   2026-03-01T15:50:00Z (3h50m left)   1      INC-4 flag off
Deployment staging/web    Active   dana    2026-03-01T11:00:00Z   2026-03-01T12:35:00Z (35m left)     3      INC-1 gateway down
Namespace db              Active   admin   2026-03-01T10:00:00Z   2026-03-01T11:59:00Z (over)         0      INC-2 restoring
Deployment staging/api    Ended    dana    2026-03-01T11:30:00Z   2026-03-01T11:40:00Z                1      INC-3 rollback
`},
		"what others have to agree to": {listing{}, `
items:
- metadata: {name: a}
  spec: {object: {kind: Deployment, namespace: staging, name: web}, reason: INC-1 gateway down, openedBy: {user: dana}, from: "2026-03-01T11:00:00Z", until: "2026-03-01T12:35:00Z", approval: {approvers: 2, code: c1}}
  status: {state: Pending, useCount: 2, approvals: [{by: {user: erin}, time: "2026-03-01T11:01:00Z", code: c1}, {by: {user: frank}, time: "2026-03-01T11:00:30Z", code: c0}]}
`, `OBJECT                   STATE     BY                    SINCE                  UNTIL                             USES   REASON
Deployment staging/web   Pending   dana (agreed: erin)   2026-03-01T11:00:00Z   2026-03-01T12:35:00Z (35m left)   2      INC-1 gateway down
`},
		"none open":        {listing{}, "items: []", "There is no open emergency.\n"},
		"none at all":      {listing{all: true}, "items: []", "There is no emergency on record.\n"},
		"none for scripts": {listing{output: "yaml"}, "items: []", "apiVersion: gitonly.dev/v1alpha1\nitems: []\nkind: BreakGlassList\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, listed(t, c.list, c.documents)); diff != "" {
				t.Errorf("printed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheListOfEmergenciesIsReadByScripts(t *testing.T) {
	var read v1alpha1.BreakGlassList
	if err := yaml.UnmarshalStrict([]byte(listed(t, listing{output: "json"}, emergencies)), &read); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range read.Items {
		names = append(names, one.Name)
	}
	if diff := cmp.Diff([]string{"d", "a", "b"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAListOfANamespaceHasItsOwnEmergencyAndThoseOfWhatIsInIt(t *testing.T) {
	for name, c := range map[string]struct {
		object v1alpha1.ObjectReference
		want   bool
	}{
		"what is in it":         {v1alpha1.ObjectReference{Kind: "Deployment", Namespace: "ci", Name: "web"}, true},
		"the Namespace":         {v1alpha1.ObjectReference{Kind: "Namespace", Name: "ci"}, true},
		"another's":             {v1alpha1.ObjectReference{Kind: "Deployment", Namespace: "staging", Name: "ci"}, false},
		"one of the whole, too": {v1alpha1.ObjectReference{Kind: "ClusterRole", Name: "ci"}, false},
	} {
		if got := concerns(&v1alpha1.BreakGlass{Spec: v1alpha1.BreakGlassSpec{Object: c.object}}, "ci"); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestNothingIsToBeChangedWhereNoEmergencyIsNeeded(t *testing.T) {
	namespaces := kschema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	ci := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "ci"}}}
	reason := "INC-1234"
	for warning, want := range map[string]string{
		"gitonly: Git doesn't declare Namespace ci, and nobody has to break the glass for it: no emergency is recorded.": "",
		"gitonly: the glass is broken for Namespace ci.":                                                                 "Now change what has to be changed, and bring it to Git.\nEnd it with: kubectl gitonly break-glass namespace/ci --end\n",
	} {
		object := &target{
			name: "ci", mapping: &apimeta.RESTMapping{GroupVersionKind: kschema.GroupVersionKind{Version: "v1", Kind: "Namespace"}},
			objects: dynamicfake.NewSimpleDynamicClient(runtime.NewScheme(), ci.DeepCopy()).Resource(namespaces),
		}
		var out, problems strings.Builder
		said := &warnings{out: &problems}
		said.HandleWarningHeader(299, "", warning)
		err := openEmergency(t.Context(), &out, object, map[string]*string{v1alpha1.BreakGlassAnnotation: &reason}, said)
		if err != nil || out.String() != want {
			t.Errorf("after %q: printed %q, %v", warning, out.String(), err)
		}
	}
}
