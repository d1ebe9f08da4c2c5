package sweep

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// auditPolicy has the API server note what controllers and agents write, with
// the annotations that the webhook adds. What the person of the sweeps sends
// gets its answer there.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: None
  users: [admin]
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: None
`

// record is a write in the audit log.
type record struct {
	Verb string
	User struct{ Username string }
	On   struct{ Resource, Subresource, Namespace, Name string } `json:"objectRef"`
	Said struct{ Message string }                                `json:"responseStatus"`
	Note map[string]string                                       `json:"annotations"`
}

func (r record) resource() string {
	return strings.TrimSuffix(r.On.Resource+"/"+r.On.Subresource, "/")
}

// actor is a short name of who asked.
func (r record) actor() string {
	return strings.TrimPrefix(r.User.Username, "system:serviceaccount:kube-system:")
}

func (r record) verdict(part string) string { return r.Note["validate.gitonly.dev/"+part] }

// records are all writes in the audit log that gitonly was asked about.
func (s *scene) records() ([]record, error) {
	text, err := os.ReadFile(s.audit)
	if err != nil {
		return nil, err
	}
	var all []record
	for line := range bytes.Lines(text) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // it is being written
		}
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		if r.verdict("reason") != "" || strings.Contains(r.Said.Message, "failed calling webhook") {
			all = append(all, r)
		}
	}
	return all, nil
}

// writes are what an actor did.
type writes struct {
	seen, refused int
	resources     map[string]bool
}

// judgeRecords prints who wrote what, and complains of every refusal.
func judgeRecords(t *testing.T, all []record) {
	actors := map[string]*writes{}
	total := writes{}
	for _, r := range all {
		w := actors[r.actor()]
		if w == nil {
			w = &writes{resources: map[string]bool{}}
			actors[r.actor()] = w
		}
		w.seen++
		total.seen++
		w.resources[r.resource()] = true
		if r.verdict("outcome") == "Deny" || r.verdict("reason") == "" {
			w.refused++
			total.refused++
			t.Errorf("%s was refused to %s %s %s/%s: %s", r.actor(), r.Verb, r.resource(), r.On.Namespace, r.On.Name, r.Said.Message)
		}
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(actors)) {
		w := actors[name]
		what := slices.Sorted(maps.Keys(w.resources))
		if len(what) > most/2 {
			what = append(what[:0:0], fmt.Sprintf("%d resources", len(what)))
		}
		fmt.Fprintf(&text, "%-50s %6d %8d  %s\n", name, w.seen, w.refused, strings.Join(what, " "))
	}
	t.Logf("what others than the person wrote:\n%-50s %6s %8s  %s\n%s%-50s %6d %8d", "", "seen", "refused", "on", text.String(), "all", total.seen, total.refused)
}
