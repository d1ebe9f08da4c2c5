// Package auditlog reads what an API server notes of the writes to it, with gitonly's verdicts.
package auditlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// Policy has the API server note each write, with the annotations that the webhook adds.
const Policy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: None
`

// Record is a write.
type Record struct {
	Verb         string                                                  `json:"verb"`
	User         struct{ Username string }                               `json:"user"`
	Impersonated struct{ Username string }                               `json:"impersonatedUser"`
	On           struct{ Resource, Subresource, Namespace, Name string } `json:"objectRef"`
	Said         struct{ Message string }                                `json:"responseStatus"`
	Note         map[string]string                                       `json:"annotations"`
}

// Actor is whom the webhook sees: who asks, or whom that one impersonates.
func (r Record) Actor() string {
	if r.Impersonated.Username != "" {
		return r.Impersonated.Username
	}
	return r.User.Username
}

// Verdict is a part of gitonly's verdict, such as its reason; empty if it wasn't asked, or guards nothing there.
func (r Record) Verdict(part string) string { return r.Note["validate.gitonly.dev/"+part] }

// Refused says whether gitonly refused the write, or was asked and didn't answer.
func (r Record) Refused() bool {
	return r.Verdict("outcome") == "Deny" || strings.Contains(r.Said.Message, "failed calling webhook")
}

// String is a record in a line, for people.
func (r Record) String() string {
	resource := strings.TrimSuffix(r.On.Resource+"/"+r.On.Subresource, "/")
	return fmt.Sprintf("%s: %s %s %s/%s: %s %s", r.Actor(), r.Verb, resource, r.On.Namespace, r.On.Name, r.Verdict("reason"), r.Said.Message)
}

// Read returns all writes in the log so far.
func Read(path string) ([]Record, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	var all []Record
	for line := range bytes.Lines(text) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // it is being written
		}
		var r Record
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("read the audit log %s: %w", path, err)
		}
		all = append(all, r)
	}
	return all, nil
}
