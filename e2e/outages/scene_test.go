package outages_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/e2e/stage"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// timeout is how many seconds the API server waits for an answer: long enough for a
// slow machine, and less than the 10 that Go's client waits for a TLS handshake, so
// that it is always this that is over where nobody answers.
const timeout = 8

// scene is what a situation has to itself: a repository and its server, a
// GitSource, and a webhook that is in front.
type scene struct {
	*cluster
	t          *testing.T
	repository *gitserver.Repository
	server     *gitserver.HTTPServer
	address    string
	webhook    *stage.Webhook
}

// set sets the scene: all is well at first.
func (c *cluster) set(t *testing.T, name string) *scene {
	t.Helper()
	s := &scene{cluster: c, t: t}
	must := s.must
	ctx := t.Context()
	var err error
	s.repository, err = gitserver.Init(filepath.Join(t.TempDir(), "infra.git"))
	must(err)
	s.commit(map[string]string{"apps/deployment.yaml": string(deployment), "apps/settings.yaml": string(settings)})
	port, err := stage.FreePort()
	must(err)
	s.address = fmt.Sprintf("127.0.0.1:%d", port)
	s.server, err = gitserver.ServeHTTP(filepath.Dir(s.repository.Dir), gitserver.HTTPOptions{Address: s.address})
	must(err)
	t.Cleanup(func() { _ = s.server.Close() }) // the situation may have closed it already
	must(c.own.Create(ctx, s.source("infra")))

	s.webhook, err = c.stage.StartWebhook(stage.WebhookOptions{Name: name})
	must(err)
	t.Cleanup(s.strike)
	must(s.webhook.WaitReady(ctx))
	must(s.webhook.Register(ctx, stage.Registration{
		Name: "-ignore", Namespaces: namespacesOf(admissionregistration.Ignore), FailurePolicy: admissionregistration.Ignore,
		Condition: "has(request.namespace)", TimeoutSeconds: timeout,
	}, "ignore-deny"))
	must(s.webhook.Register(ctx, stage.Registration{
		Name: "-fail", Namespaces: namespacesOf(admissionregistration.Fail), FailurePolicy: admissionregistration.Fail,
		Condition: "has(request.namespace) || request.resource.group == 'gitonly.dev'", TimeoutSeconds: timeout,
	}, "fail-deny"))
	must(s.decides(ctx))
	must(s.says(ctx, "infra", v1alpha1.ReasonRendered, ""))
	return s
}

// strike takes the webhook away, and what was written while it was there.
func (s *scene) strike() {
	ctx := context.Background()
	if s.t.Failed() {
		if log, err := os.ReadFile(s.webhook.Log); err == nil {
			s.t.Logf("the webhook's log:\n%s", log)
		}
	}
	s.webhook.Stop()
	if err := errors.Join(s.webhook.Unregister(ctx), s.restore(ctx)); err != nil {
		s.t.Error(err)
	}
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// commit makes files the content of the repository.
func (s *scene) commit(files map[string]string) {
	s.t.Helper()
	_, err := s.repository.Commit(gitserver.Commit{Replace: true, Files: maps.Clone(files)})
	s.must(err)
}

// source is a GitSource for all namespaces.
func (s *scene) source(name string) *v1alpha1.GitSource {
	source := &v1alpha1.GitSource{}
	source.Name = name
	source.Spec.Interval.Duration = 5 * time.Second // the least there is
	source.Spec.Git = &v1alpha1.Git{URL: "http://" + s.address + "/infra.git", Ref: v1alpha1.Ref{Branch: gitserver.DefaultBranch}}
	for _, combination := range combinations {
		source.Spec.Git.Paths = append(source.Spec.Git.Paths, v1alpha1.Path{Path: "apps", Namespace: combination.namespace()})
	}
	return source
}

// decides waits until gitonly refuses what departs from Git, whatever the
// failurePolicy.
func (s *scene) decides(ctx context.Context) error {
	return s.gets(ctx, departs, refused, "is declared in Git")
}

// gets waits until a write gets this outcome where undecidable is Deny, with this
// in its message. Of an answer that the API server doesn't get only Fail tells.
func (s *scene) gets(ctx context.Context, w write, want outcome, message string) error {
	return until(ctx, "the answer "+string(want), func(ctx context.Context) error {
		for _, namespace := range []string{"ignore-deny", "fail-deny"} {
			if want == blocked && namespace == "ignore-deny" {
				continue
			}
			got, err := w.try(ctx, s.cluster, namespace, "All")
			if err != nil {
				return err
			}
			if got.outcome != want || !strings.Contains(got.message, message) {
				return fmt.Errorf("in namespace %s it is %s: %s", namespace, got.outcome, got.message)
			}
		}
		return nil
	})
}

// says waits until a GitSource is Ready, or isn't, for a reason.
func (s *scene) says(ctx context.Context, source, reason, message string) error {
	return until(ctx, "GitSource "+source+" to be "+reason, func(ctx context.Context) error {
		var is v1alpha1.GitSource
		if err := s.own.Get(ctx, client.ObjectKey{Name: source}, &is); err != nil {
			return err
		}
		ready := meta.FindStatusCondition(is.Status.Conditions, v1alpha1.ConditionReady)
		if ready == nil || ready.Reason != reason || !strings.Contains(ready.Message, message) {
			return fmt.Errorf("its condition is %+v", ready)
		}
		return nil
	})
}
