package agents_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"

	"gitonly.dev/gitonly/e2e/stage"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// guarding is all that gitonly is told: that there is an agent. $AGENT is the block that says which one,
// $NAMESPACE where it runs.
const guarding = `apiVersion: gitonly.dev/v1alpha1
kind: GitSource
metadata: {name: infra}
spec:
  interval: 5s
  $AGENT
---
apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: everything}
spec: {mode: Enforce}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: gitonly-agent, namespace: $NAMESPACE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: gitonly-agent}
subjects: [{kind: ServiceAccount, name: gitonly, namespace: gitonly-system}]
`

// guard starts gitonly and has the API server ask it. agent is the block of its GitSource, and namespace
// where the agent runs.
func (s *scene) guard(ctx context.Context, agent, namespace string) error {
	if err := s.InstallCRDs(ctx); err != nil {
		return err
	}
	manifests := strings.NewReplacer("$AGENT", agent, "$NAMESPACE", namespace).Replace(guarding)
	if err := s.Apply(ctx, []byte(manifests)); err != nil {
		return err
	}
	var err error
	if s.webhook, err = s.StartWebhook(stage.WebhookOptions{Name: "gitonly"}); err != nil {
		return err
	}
	if err := s.webhook.WaitReady(ctx); err != nil {
		return err
	}
	return s.webhook.Register(ctx, stage.Registration{}, "default")
}

// found waits until the GitSource is Ready with sources of these names, all of them rendered at the newest
// commit, and with these identities.
func (s *scene) found(ctx context.Context, t *testing.T, sources []string, identities ...string) {
	t.Helper()
	count := int32(len(sources))
	eventually(ctx, t, fmt.Sprintf("the GitSource is Ready with %d sources as %v", count, identities), func() (bool, string, error) {
		o, err := s.object(ctx, "GitSource.v1alpha1.gitonly.dev", "", "infra")
		if o == nil || err != nil {
			return false, "not there", err
		}
		var source v1alpha1.GitSource
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &source); err != nil {
			return false, "", err
		}
		status := source.Status
		if status.Sources == nil {
			return false, conditions(o), nil
		}
		is := fmt.Sprintf("%+v as %v; %s", *status.Sources, status.Identities, conditions(o))
		return status.Sources.Total == count && status.Sources.Rendered == count && slices.Equal(status.Identities, identities) &&
			meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionReady), is, nil
	})
	s.caughtUp(ctx, t)
	at := s.revisions(t)
	for _, name := range sources {
		if at[name] == "" {
			t.Errorf("gitonly has no source %s; it has %v", name, at)
		}
	}
}

// revisions are those that gitonly's sources are at, by its log.
func (s *scene) revisions(t *testing.T) map[string]string {
	t.Helper()
	log, err := os.ReadFile(s.webhook.Log)
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]string{}
	for line := range strings.Lines(string(log)) {
		var entry struct{ Msg, Source, Revision string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "source is at a new revision" {
			at[entry.Source] = entry.Revision
		}
	}
	return at
}

// caughtUp waits until gitonly compares with the newest commit, in each source that it has.
func (s *scene) caughtUp(ctx context.Context, t *testing.T) {
	t.Helper()
	newest := "main@" + s.commit[:7]
	eventually(ctx, t, "gitonly is at "+newest, func() (bool, string, error) {
		at := s.revisions(t)
		for _, revision := range at {
			if revision != newest {
				return false, fmt.Sprint(at), nil
			}
		}
		return len(at) > 0, fmt.Sprint(at), nil
	})
}
