package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// apiServer is what Schemas asks of an API server. It has the document that a
// real one published of Widgets, in which only versions are replaced.
type apiServer struct {
	t      *testing.T
	url    string
	widget string // the document of example.com/v1

	mu        sync.Mutex
	documents map[string]string // by group version
	crds      map[string]string // by name
	broken    bool
	locked    bool
	asked     []string
	watchers  []chan string
}

func newAPIServer(t *testing.T) *apiServer {
	document, err := os.ReadFile("testdata/example.com-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	a := &apiServer{t: t, widget: string(document), documents: map[string]string{"other.example.com/v1": "{}"}, crds: map[string]string{}}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

// publish publishes Widgets in a version; edits replace text by text.
func (a *apiServer) publish(version string, edits ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	document := strings.NewReplacer(append([]string{`"version": "v1"`, fmt.Sprintf(`"version": %q`, version)}, edits...)...).Replace(a.widget)
	a.documents["example.com/"+version] = document
}

func (a *apiServer) withdraw(version string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.documents, "example.com/"+version)
}

// define changes the CRD of Widgets, and tells those who watch. A version may
// say what its scale changes: "v1 .spec.size".
func (a *apiServer) define(strategy string, versions ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	served := make([]string, len(versions))
	for i, version := range versions {
		name, scaled, _ := strings.Cut(version, " ")
		subresources := "{}"
		if scaled != "" {
			subresources = fmt.Sprintf(`{"scale": {"specReplicasPath": %q, "statusReplicasPath": ".status.replicas"}}`, scaled)
		}
		served[i] = fmt.Sprintf(`{"name": %q, "served": true, "subresources": %s}`, name, subresources)
	}
	a.crds["widgets.example.com"] = fmt.Sprintf(`{"spec": {"conversion": {"strategy": %q}, "versions": [%s]}}`, strategy, strings.Join(served, ","))
	for _, watcher := range a.watchers {
		watcher <- "widgets.example.com"
	}
}

func (a *apiServer) breakDown(broken bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.broken = broken
}

// lock has nobody read CRDs any more.
func (a *apiServer) lock() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.locked = true
}

// questions are the requests so far, without hashes.
func (a *apiServer) questions() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	asked := a.asked
	a.asked = nil
	return asked
}

func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path+"/" == definitionsPath {
		a.serveDefinitions(w, r)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, r.URL.Path)
	if a.broken {
		http.Error(w, "{}", http.StatusServiceUnavailable)
		return
	}
	if a.locked && strings.HasPrefix(r.URL.Path, definitionsPath) {
		http.Error(w, "{}", http.StatusForbidden)
		return
	}
	if crd, ok := a.crds[strings.TrimPrefix(r.URL.Path, definitionsPath)]; ok {
		fmt.Fprint(w, crd)
		return
	}
	if r.URL.Path == "/openapi/v3" {
		paths := map[string]map[string]string{}
		for version, document := range a.documents {
			paths["apis/"+version] = map[string]string{"serverRelativeURL": fmt.Sprintf("/openapi/v3/apis/%s?hash=%d", version, hash(document))}
		}
		if err := json.NewEncoder(w).Encode(map[string]any{"paths": paths}); err != nil {
			a.t.Error(err)
		}
		return
	}
	document, ok := a.documents[strings.TrimPrefix(r.URL.Path, "/openapi/v3/apis/")]
	if !ok || r.URL.Query().Get("hash") != fmt.Sprint(hash(document)) {
		http.NotFound(w, r)
		return
	}
	fmt.Fprint(w, document)
}

// serveDefinitions lists no CRD, and tells of those that change.
func (a *apiServer) serveDefinitions(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("watch") == "" {
		fmt.Fprint(w, `{"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": "1"}, "items": []}`)
		return
	}
	if r.URL.Query().Get("sendInitialEvents") != "" {
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Invalid", "code": 422}`)
		return
	}
	changed := make(chan string, 10)
	a.mu.Lock()
	a.watchers = append(a.watchers, changed)
	a.mu.Unlock()
	w.(http.Flusher).Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case name := <-changed:
			fmt.Fprintf(w, `{"type": "MODIFIED", "object": {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": {"name": %q, "resourceVersion": "2"}}}`, name)
			w.(http.Flusher).Flush()
		}
	}
}

// watched reports whether anyone watches CRDs.
func (a *apiServer) watched() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.watchers) > 0
}

func hash(text string) int {
	sum := 0
	for _, r := range text {
		sum = (sum*31 + int(r)) % 1_000_000_007
	}
	return sum
}

// schemas are those of the API server, where only core kinds have a Go type.
func (a *apiServer) schemas(times SchemaTimes) *Schemas {
	s, err := NewSchemas(&rest.Config{Host: a.url}, http.DefaultClient, func(kind kschema.GroupVersionKind) bool { return kind.Group != "" }, times, logr.Discard())
	if err != nil {
		a.t.Fatal(err)
	}
	return s
}

// declaring is a snapshot of objects, each "apiVersion kind".
func declaring(objects ...string) *gitindex.Snapshot {
	location := gitindex.LocationState{}
	for i, object := range objects {
		version, kind, _ := strings.Cut(object, " ")
		group, _ := kschema.ParseGroupVersion(version)
		location.Objects = append(location.Objects, gitindex.Declared{
			Key: gitindex.Key{Group: group.Group, Kind: kind, Name: fmt.Sprint(i)}, APIVersion: version,
		})
	}
	return gitindex.NewSnapshot([]gitindex.SourceState{{CheckedAt: time.Now(), Locations: []gitindex.LocationState{location}}})
}
