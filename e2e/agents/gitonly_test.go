package agents_test

import (
	"context"
	"fmt"
	"strings"

	"gitonly.dev/gitonly/e2e/stage"
)

// configuration is what gitonly is told: the repository's paths, and who the agents are.
type configuration struct {
	Paths  []string // each path, or path=namespace
	Agents []string // service accounts, each namespace/name
}

// manifests are the GitSource and the GuardPolicy.
func (c configuration) manifests(url string) string {
	var paths, agents strings.Builder
	for _, path := range c.Paths {
		path, namespace, _ := strings.Cut(path, "=")
		fmt.Fprintf(&paths, "    - {path: %q, namespace: %q}\n", path, namespace)
	}
	for _, agent := range c.Agents {
		namespace, name, _ := strings.Cut(agent, "/")
		fmt.Fprintf(&agents, "    - {kind: ServiceAccount, namespace: %q, name: %q}\n", namespace, name)
	}
	return `apiVersion: gitonly.dev/v1alpha1
kind: GitSource
metadata: {name: infra}
spec:
  interval: 5s
  git:
    url: ` + url + `
    ref: {branch: main}
    paths:
` + paths.String() + `---
apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: everything}
spec:
  mode: Enforce
  agents:
    subjects:
` + agents.String()
}

// guard starts gitonly and has the API server ask it.
func (s *scene) guard(ctx context.Context, c configuration) error {
	if err := s.InstallCRDs(ctx); err != nil {
		return err
	}
	if err := s.Apply(ctx, []byte(c.manifests(s.url))); err != nil {
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
