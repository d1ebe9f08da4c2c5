// Package serving_test holds gitonly to losing no request, whatever happens to
// its processes: with a real API server that calls a Service, a registration with
// failurePolicy Fail, and many writes at once. What happens to certificates is in
// e2e/chart.
package serving_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"gitonly.dev/gitonly/e2e/load"
	"gitonly.dev/gitonly/e2e/stage"
)

// cluster is what is there beside the stage: the Service, by a name that leads
// to loopback.
const cluster = `
apiVersion: v1
kind: Namespace
metadata: {name: load, labels: {load: "true"}}
---
apiVersion: v1
kind: Service
metadata: {name: gitonly, namespace: gitonly-system}
spec: {type: ExternalName, externalName: localhost}
`

// certificateSecret is the one that gitonly's rights are for.
const certificateSecret = "gitonly-tls"

const config = `
apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: everything}
spec:
  mode: Enforce
  undecidable: Allow
  agents: {subjects: [{kind: ServiceAccount, namespace: flux-system, name: kustomize-controller}]}
`

// TestRestartsLoseNoRequest replaces one replica by another, three times, while
// people write.
func TestRestartsLoseNoRequest(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	s, err := stage.Start(ctx, stage.Options{Dir: t.TempDir(), Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}()
	if err := s.Apply(ctx, []byte(cluster)); err != nil {
		t.Fatal(err)
	}
	files := t.TempDir()
	if err := os.WriteFile(filepath.Join(files, "policy.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}

	service := newBalancer(t)
	add := func(name string) *stage.Webhook {
		t.Helper()
		w, err := s.StartWebhook(stage.WebhookOptions{Name: name, Config: files, OwnCertificates: true, Args: []string{
			"--shutdown-delay=15s", "--cert-secret=" + certificateSecret,
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.Stop)
		return w
	}
	first := add("first")
	service.set(first.Port())
	registration := stage.Registration{
		AsInstalled: true,
		Namespaces:  &metav1.LabelSelector{MatchLabels: map[string]string{"load": "true"}}, FailurePolicy: admissionregistration.Fail,
		Condition: "has(request.namespace)", Port: service.port(),
	}
	if err := first.Register(ctx, registration, "load"); err != nil {
		t.Fatal(err)
	}
	if err := first.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}

	people := load.Start(t, s.Users["developer"].Config, "load", 8)
	old := first
	for round := range 3 {
		replica := add(fmt.Sprintf("next-%d", round))
		if err := replica.WaitReady(ctx); err != nil {
			t.Fatal(err)
		}
		service.set(old.Port(), replica.Port())
		people.GoOn(t, 200)
		stopped := make(chan struct{})
		go func() {
			old.Stop()
			close(stopped)
		}()
		// As the kubelet and kube-proxy do: the probe fails first, and then, later,
		// no more connections come.
		for {
			if _, err := old.Ready(ctx); err != nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		people.GoOn(t, 50)
		service.set(replica.Port())
		<-stopped
		people.GoOn(t, 200)
		old = replica
	}
	people.End(t)
}
