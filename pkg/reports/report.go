package reports

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
)

const (
	reportName = "gitonly"
	// maxResults is how many objects a report names: those of the latest writes.
	maxResults = 100
)

var groupVersion = kschema.GroupVersion{Group: "wgpolicyk8s.io", Version: "v1alpha2"}

// kindOf is the kind of report that a namespace's objects are in; empty for those
// in none.
func kindOf(namespace string) kschema.GroupVersionKind {
	if namespace == "" {
		return groupVersion.WithKind("ClusterPolicyReport")
	}
	return groupVersion.WithKind("PolicyReport")
}

// content is what gitonly writes of a PolicyReport.
type content struct {
	Results []result `json:"results"`
	Summary summary  `json:"summary"`
}

type result struct {
	Source    string    `json:"source"`
	Policy    string    `json:"policy"`
	Rule      string    `json:"rule"`
	Result    string    `json:"result"`
	Scored    bool      `json:"scored"`
	Message   string    `json:"message"`
	Resources []subject `json:"resources"`
	Timestamp timestamp `json:"timestamp"`
}

type subject struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
	UID        string `json:"uid,omitempty"`
}

type timestamp struct {
	Seconds int64 `json:"seconds"`
	Nanos   int32 `json:"nanos"`
}

type summary struct {
	Pass  int `json:"pass"`
	Fail  int `json:"fail"`
	Warn  int `json:"warn"`
	Error int `json:"error"`
	Skip  int `json:"skip"`
}

// about is the object that a result is about.
func (r result) about() gitindex.Key {
	if len(r.Resources) == 0 {
		return gitindex.Key{}
	}
	object := r.Resources[0]
	group := kschema.FromAPIVersionAndKind(object.APIVersion, object.Kind).Group
	return gitindex.Key{Group: group, Kind: object.Kind, Namespace: object.Namespace, Name: object.Name}
}

// with returns the results after changes: an object's new one, or nil if it has
// none any more. The latest come first. changed is false if nothing is new.
func with(results []result, changes map[gitindex.Key]*result) (after []result, changed bool) {
	for _, old := range results {
		next, ok := changes[old.about()]
		if ok && (next == nil || next.Timestamp.Seconds >= old.Timestamp.Seconds) {
			changed = true
			continue
		}
		after = append(after, old)
	}
	for _, next := range changes {
		if next != nil && !slices.ContainsFunc(after, func(r result) bool { return r.about() == next.about() }) {
			after, changed = append(after, *next), true
		}
	}
	slices.SortFunc(after, func(a, b result) int {
		return cmp.Or(cmp.Compare(b.Timestamp.Seconds, a.Timestamp.Seconds), cmp.Compare(a.about().String(), b.about().String()))
	})
	return after[:min(len(after), maxResults)], changed
}

// read returns the results in a report.
func read(report *unstructured.Unstructured) ([]result, error) {
	var c content
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(report.Object, &c); err != nil {
		return nil, err
	}
	return c.Results, nil
}

// write puts results into a report.
func write(report *unstructured.Unstructured, results []result) error {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&content{Results: results, Summary: summary{Fail: len(results)}})
	if err != nil {
		return err
	}
	report.Object["results"], report.Object["summary"] = fields["results"], fields["summary"]
	labels := report.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels["app.kubernetes.io/managed-by"] = reportName
	report.SetLabels(labels)
	return nil
}
