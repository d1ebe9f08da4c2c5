package reports

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// cluster is one that knows PolicyReports.
func cluster(broken interceptor.Funcs) client.Client {
	scheme := runtime.NewScheme()
	for _, namespace := range []string{"", "default"} {
		kind := kindOf(namespace)
		scheme.AddKnownTypeWithName(kind, &unstructured.Unstructured{})
		scheme.AddKnownTypeWithName(kind.GroupVersion().WithKind(kind.Kind+"List"), &unstructured.UnstructuredList{})
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(broken).Build()
}

func deployment(namespace, name string) gitindex.Key {
	return gitindex.Key{Group: "apps", Kind: "Deployment", Namespace: namespace, Name: name}
}

func departure(key gitindex.Key, after time.Duration) admission.Departure {
	return admission.Departure{
		Key: key, APIVersion: "apps/v1", UID: "u-1", Policy: "everything", Reason: policy.DeclaredFieldChanged,
		Message: "Would be refused, but for Audit mode: UPDATE by dana, in spec.replicas.", At: noon.Add(after),
	}
}

func written(t *testing.T, r *Reporter) {
	t.Helper()
	if err := r.write(t.Context()); err != nil {
		t.Error(err)
	}
}

// report returns a namespace's; nil if there is none.
func report(t *testing.T, c client.Client, namespace string) *unstructured.Unstructured {
	t.Helper()
	found := &unstructured.Unstructured{}
	found.SetGroupVersionKind(kindOf(namespace))
	err := c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "gitonly"}, found)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// names are the objects in a namespace's report.
func names(t *testing.T, c client.Client, namespace string) string {
	t.Helper()
	found := report(t, c, namespace)
	if found == nil {
		return "no report"
	}
	results, err := read(found)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range results {
		all = append(all, r.about().Name)
	}
	fail, _, _ := unstructured.NestedInt64(found.Object, "summary", "fail")
	return fmt.Sprintf("%d: %s", fail, strings.Join(all, " "))
}

func is(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("reported %q, want %q", got, want)
	}
}

func TestAReportNamesWhatDeparts(t *testing.T) {
	c := cluster(interceptor.Funcs{})
	r := newReporter(c, logr.Discard())
	r.Departed(departure(deployment("staging", "web"), 0))
	written(t, r)
	got, err := yaml.Marshal(report(t, c, "staging").Object)
	if err != nil {
		t.Fatal(err)
	}
	want := `apiVersion: wgpolicyk8s.io/v1alpha2
kind: PolicyReport
metadata:
  labels:
    app.kubernetes.io/managed-by: gitonly
  name: gitonly
  namespace: staging
  resourceVersion: "1"
results:
- message: 'Would be refused, but for Audit mode: UPDATE by dana, in spec.replicas.'
  policy: everything
  resources:
  - apiVersion: apps/v1
    kind: Deployment
    name: web
    namespace: staging
    uid: u-1
  result: fail
  rule: DeclaredFieldChanged
  scored: true
  source: gitonly
  timestamp:
    nanos: 0
    seconds: 1772366400
summary:
  error: 0
  fail: 1
  pass: 0
  skip: 0
  warn: 0
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestReportsFollowWhatHappens(t *testing.T) {
	c := cluster(interceptor.Funcs{})
	r, other := newReporter(c, logr.Discard()), newReporter(c, logr.Discard())

	r.Returned(deployment("staging", "web"))
	written(t, r)
	is(t, names(t, c, "staging"), "no report")

	r.Departed(departure(deployment("staging", "web"), 0))
	r.Departed(departure(deployment("production", "web"), 0))
	r.Departed(departure(gitindex.Key{Group: "apps", Kind: "Cluster", Name: "wide"}, 0))
	written(t, r)
	other.Departed(departure(deployment("staging", "db"), time.Minute))
	written(t, other)
	is(t, names(t, c, "staging"), "2: db web")
	is(t, names(t, c, "production"), "1: web")
	is(t, names(t, c, ""), "1: wide")

	r.Departed(departure(deployment("staging", "web"), time.Hour))
	written(t, r)
	is(t, names(t, c, "staging"), "2: web db")

	other.Returned(deployment("staging", "web"))
	written(t, other)
	is(t, names(t, c, "staging"), "1: db")
	r.Returned(deployment("staging", "db"))
	written(t, r)
	is(t, names(t, c, "staging"), "0: ")
}

func TestAReportNamesTheLatestHundred(t *testing.T) {
	c := cluster(interceptor.Funcs{})
	r := newReporter(c, logr.Discard())
	for i := range 101 {
		r.Departed(departure(deployment("staging", fmt.Sprintf("web-%d", i)), time.Duration(i)*time.Second))
	}
	written(t, r)
	got := names(t, c, "staging")
	if !strings.HasPrefix(got, "100: web-100 web-99 ") || !strings.HasSuffix(got, " web-1") {
		t.Errorf("reported %s", got)
	}
}

func TestNothingIsLostWhereAnotherReplicaWritesMeanwhile(t *testing.T) {
	meanwhile := func(client.Client) {}
	c := cluster(interceptor.Funcs{Update: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.UpdateOption) error {
		do := meanwhile
		meanwhile = func(client.Client) {}
		do(c)
		return c.Update(ctx, object, options...)
	}})
	r := newReporter(c, logr.Discard())
	r.Departed(departure(deployment("staging", "web"), 0))
	written(t, r)
	meanwhile = func(c client.Client) {
		other := newReporter(c, logr.Discard())
		other.Departed(departure(deployment("staging", "db"), time.Minute))
		written(t, other)
	}
	r.Departed(departure(deployment("staging", "cache"), 2*time.Minute))
	written(t, r)
	is(t, names(t, c, "staging"), "3: cache db web")
}

func TestWhatCantBeWrittenIsKept(t *testing.T) {
	var away error
	c := cluster(interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
		if away != nil && object.GetNamespace() != "production" {
			return away
		}
		return c.Create(ctx, object, options...)
	}})
	r := newReporter(c, logr.Discard())
	away = errors.New("the API server is away")
	r.Departed(departure(deployment("production", "web"), 0))
	r.Departed(departure(deployment("staging", "web"), 0))
	r.Departed(departure(deployment("staging", "db"), 0))
	if err := r.write(t.Context()); err == nil || err.Error() != "writing PolicyReport staging/gitonly: the API server is away" {
		t.Errorf("error: %v", err)
	}
	is(t, names(t, c, "production"), "1: web")
	r.Returned(deployment("staging", "db"))
	away = nil
	written(t, r)
	is(t, names(t, c, "staging"), "1: web")

	away = apierrors.NewNotFound(kschema.GroupResource{Resource: "namespaces"}, "gone")
	r.Departed(departure(deployment("gone", "web"), 0))
	written(t, r)
}
