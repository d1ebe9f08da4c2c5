package e2e_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/apimachinery/pkg/util/wait"

	"gitonly.dev/gitonly/pkg/policy"
)

// auditPolicy has the API server note each write, and each connection to a Pod,
// with the annotations that the webhook adds.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: Metadata
  resources: [{group: "", resources: [pods/exec, pods/portforward, services/proxy]}]
- level: None
`

// event is a request in the audit log.
type event struct {
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	Object struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	Annotations map[string]string `json:"annotations"`
	Received    time.Time         `json:"requestReceivedTimestamp"`
}

// reason of the verdict, as the webhook annotates it. A request that nothing
// guards has no annotation.
func (e event) reason() string {
	return cmp.Or(e.Annotations["validate.gitonly.dev/reason"], string(policy.NotGuarded))
}

func (e event) resource() string {
	return strings.TrimSuffix(e.Object.Resource+"/"+e.Object.Subresource, "/")
}

func (s *scenario) auditSize() (int64, error) {
	info, err := os.Stat(s.cluster.auditLog)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// events are the requests for this scenario's objects from an offset on.
func (s *scenario) events(offset int64) ([]event, error) {
	log, err := os.Open(s.cluster.auditLog)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// A line that was being written at the offset is of an earlier request.
	begin := max(offset-1, 0)
	text, err := io.ReadAll(io.NewSectionReader(log, begin, 1<<40))
	if err != nil {
		return nil, err
	}
	if begin < offset {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	var found []event
	for line := range bytes.Lines(text) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // it is being written
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		if strings.HasPrefix(e.Object.Namespace, s.name) || strings.HasPrefix(e.Object.Name, s.name) {
			found = append(found, e)
		}
	}
	return found, nil
}

// reason asserts the reasons of the verdicts on a user's last command: of each
// write it made, in order. With -by and -on, it asserts that some request of
// another user for a resource, since the webhook runs, has the reason.
func reason(ctx context.Context, s *scenario, _ *testscript.TestScript, args []string) error {
	by, on, want := "", "", args
	if len(args) == 5 && args[0] == "-by" && args[2] == "-on" {
		by, on, want = args[1], args[3], args[4:]
	}
	if len(want) == 0 || (by == "" && s.last == nil) {
		return errUsage
	}
	var got []string
	// The log is written a moment after the answer; what controllers do takes longer.
	err := wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(context.Context) (bool, error) {
		var err error
		if by != "" {
			got, err = s.reasonsBy(by, on)
			return slices.Contains(got, want[0]), err
		}
		got, err = s.reasonsOf(s.last)
		return slices.Equal(got, want), err
	})
	if err != nil {
		return fmt.Errorf("the reasons are %q, want %q: %w", got, want, err)
	}
	return nil
}

func (s *scenario) reasonsOf(a *action) ([]string, error) {
	if a.answered != "" {
		return []string{a.answered}, nil
	}
	events, err := s.events(a.offset)
	var reasons []string
	for _, e := range events {
		if e.User.Username == a.user.Name && !e.Received.Before(a.began) {
			reasons = append(reasons, e.reason())
		}
	}
	return reasons, err
}

func (s *scenario) reasonsBy(user, resource string) ([]string, error) {
	events, err := s.events(s.since)
	var reasons []string
	for _, e := range events {
		if e.User.Username == user && e.resource() == resource {
			reasons = append(reasons, e.reason())
		}
	}
	return reasons, err
}
