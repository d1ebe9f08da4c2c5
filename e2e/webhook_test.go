package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/e2e/stage"
)

// startWebhook starts the scenario's webhook and has the API server ask it.
func startWebhook(ctx context.Context, s *scenario, ts *testscript.TestScript, args []string) error {
	if s.webhook != nil {
		return errors.New("the webhook was started already: restart it")
	}
	options := stage.WebhookOptions{Name: s.name, Config: filepath.Join(s.dir, "config")}
	wait := true
	for _, arg := range args {
		switch {
		case arg == "-cluster":
			options.Config = ""
		case arg == "-unready":
			wait = false
		case strings.HasPrefix(arg, "-pushes="):
			options.PushSecret = strings.TrimPrefix(arg, "-pushes=")
		case strings.HasPrefix(arg, "--"):
			options.Args = append(options.Args, arg)
		default:
			return errUsage
		}
	}
	var err error
	if s.since, err = s.auditSize(); err != nil {
		return err
	}
	if s.webhook, err = s.cluster.StartWebhook(options); err != nil {
		return err
	}
	if wait {
		if err := s.webhook.WaitReady(ctx); err != nil {
			return err
		}
	}
	s.registered = true
	return s.webhook.Register(ctx, stage.Registration{
		Namespaces: &metav1.LabelSelector{MatchLabels: map[string]string{scenarioLabel: s.name}},
		Condition:  fmt.Sprintf("has(request.namespace) || (has(request.name) && request.name.startsWith('%s'))", s.name),
	}, s.name)
}

// restart ends the webhook's process and starts it again, with what it kept on
// disk.
func restart(ctx context.Context, s *scenario, ts *testscript.TestScript, args []string) error {
	if err := terminate(ctx, s, ts, args); err != nil {
		return err
	}
	if err := s.webhook.Start(); err != nil {
		return err
	}
	return s.webhook.WaitReady(ctx)
}

// terminate ends the webhook's process as a kubelet does, which waits for its end.
func terminate(_ context.Context, s *scenario, _ *testscript.TestScript, _ []string) error {
	if s.webhook == nil {
		return errors.New("the webhook was not started yet")
	}
	s.webhook.Stop()
	return nil
}

// ready compares what /readyz says; with ! in front it must say no.
func ready(ctx context.Context, s *scenario, ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	text, err := s.webhook.Ready(ctx)
	if text == "" {
		return err
	}
	// Not golden: scripts wait for what it says in the end.
	if different := s.compare(ts, text, args[0]); different != nil {
		return different
	}
	if err != nil {
		return errRefused
	}
	return nil
}

// certify makes the webhook serve another certificate.
func certify(_ context.Context, s *scenario, ts *testscript.TestScript, args []string) error {
	from := time.Now().Add(-2 * time.Hour)
	var until time.Time
	switch strings.Join(args, " ") {
	case "valid":
		until = time.Now().Add(time.Hour)
	case "expired":
		until = time.Now().Add(-time.Hour)
	default:
		return errUsage
	}
	s.set(ts, "EXPIRY", until.UTC().Format(time.RFC3339))
	return s.webhook.Certify(from, until)
}

// review sends a file to the webhook in the place of the API server, and prints
// the answer.
func review(ctx context.Context, s *scenario, ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	status, answer, err := s.webhook.Review(ctx, []byte(ts.ReadFile(args[0])))
	if err != nil {
		return err
	}
	say(ts, fmt.Sprintf("%s\n%s", status, answer), "")
	var review admissionv1.AdmissionReview
	s.last = &action{}
	if json.Unmarshal(answer, &review) == nil && review.Response != nil {
		s.last.answered = review.Response.AuditAnnotations["reason"]
	}
	return nil
}

// show prints what the webhook tells its operators.
func show(ctx context.Context, s *scenario, ts *testscript.TestScript, args []string) error {
	var text string
	var err error
	switch strings.Join(args, " ") {
	case "log":
		var log []byte
		log, err = os.ReadFile(s.webhook.Log)
		text = string(log)
	case "metrics":
		text, err = s.webhook.Metrics(ctx)
	default:
		return errUsage
	}
	say(ts, text, "")
	return err
}

// logHas looks for an error in the log, word for word.
func logHas(_ context.Context, s *scenario, _ *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	log, err := os.ReadFile(s.webhook.Log)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(log)) {
		var entry struct{ Error string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Error == args[0] {
			return nil
		}
	}
	return fmt.Errorf("no line of the log has the error %q", args[0])
}

// logged compares the last verdict in the log, without time and UID, as YAML.
func logged(_ context.Context, s *scenario, ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	log, err := os.ReadFile(s.webhook.Log)
	if err != nil {
		return err
	}
	var last map[string]any
	for line := range strings.Lines(string(log)) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) == nil && entry["msg"] == "verdict" {
			last = entry
		}
	}
	delete(last, "ts")
	delete(last, "uid")
	text, err := yaml.Marshal(last)
	if err != nil {
		return err
	}
	return s.golden(ts, string(text), args[0])
}

// closeWebhook has the API server ask no more, and ends the process.
func (s *scenario) closeWebhook(ctx context.Context) {
	if s.registered {
		if err := s.webhook.Unregister(ctx); err != nil {
			s.t.Errorf("unregistering the webhook: %v", err)
		}
	}
	if !s.webhook.Running() {
		s.t.Error("the webhook's process ended by itself")
	}
	s.webhook.Stop()
	log, err := os.ReadFile(s.webhook.Log)
	if err != nil {
		s.t.Error(err)
		return
	}
	if strings.Contains(string(log), "panic") {
		s.t.Error("the webhook's log tells of a panic")
	}
	if s.t.Failed() {
		s.t.Logf("the webhook's log:\n%s", log)
	}
}
