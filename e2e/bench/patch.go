package main

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/config/webhook"
	"gitonly.dev/gitonly/e2e/bench/workload"
	"gitonly.dev/gitonly/e2e/stage"
)

// The namespaces in which patches are measured, by what the API server asks
// there.
const (
	asksNobody   = "none"
	asksAllow    = "always-allow"
	asksRefusing = "refusing" // refuses in gitonly's words what gitonly refuses, and looks at nothing for that
	asksGitonly  = "gitonly"
	asksSkipped  = "gitonly-skipped" // of the agent's writes
	asksNative   = "native"          // a ValidatingAdmissionPolicy
)

var asks = []string{asksNobody, asksAllow, asksRefusing, asksGitonly, asksSkipped, asksNative}

// native is what a ValidatingAdmissionPolicy can do of gitonly's job: whoever
// isn't the agent changes nothing that has a label. What Git says it can't know.
const native = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: native}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules: [{apiGroups: ["*"], apiVersions: ["*"], resources: ["*"], operations: [CREATE, UPDATE, DELETE]}]
  validations:
  - expression: >-
      request.userInfo.username == "system:serviceaccount:flux-system:kustomize-controller"
      || oldObject == null || !has(oldObject.metadata.labels) || !("app" in oldObject.metadata.labels)
    message: this object is changed in Git
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: native}
spec:
  policyName: native
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {asks: native}}}
`

// patches are what is timed in each namespace, in turn.
var patches = []struct {
	name     string
	agent    bool
	replicas int // always another number than before
	refused  map[string]bool
}{
	{"by the agent", true, 4, nil},
	{"by a person, back to Git", false, workload.Replicas, map[string]bool{asksNative: true}},
	{"by a person, refused", false, refusedReplicas, map[string]bool{asksNative: true, asksRefusing: true, asksGitonly: true, asksSkipped: true}},
}

const (
	refusedReplicas = 5
	refusedText     = `"replicas":5`
)

// measurePatches patches a Deployment in each namespace by turns, one patch at a
// time.
func measurePatches(ctx context.Context, s settings, results *table) error {
	dir, err := os.MkdirTemp("", "gitonly-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c, err := startCluster(ctx, dir, os.Stderr, asks, nil)
	if err != nil {
		return err
	}
	defer c.stop()
	if err := c.ask(ctx); err != nil {
		return err
	}
	const each = 40
	p50 := map[string]map[string]samples{}
	for _, patch := range patches {
		p50[patch.name] = map[string]samples{}
	}
	for round := range s.rounds + 1 {
		took := map[string]map[string]samples{}
		for _, patch := range patches {
			took[patch.name] = map[string]samples{}
		}
		for i := range each {
			for j := range asks {
				namespace := asks[(i+j)%len(asks)]
				for _, patch := range patches {
					client := c.person
					if patch.agent {
						client = c.agent
					}
					lasted, err := scale(ctx, client, namespace, patch.replicas, patch.refused[namespace])
					if err != nil {
						return fmt.Errorf("patching in namespace %s, %s: %w", namespace, patch.name, err)
					}
					took[patch.name][namespace] = append(took[patch.name][namespace], lasted.Seconds()*1000)
				}
			}
		}
		for _, patch := range patches {
			for namespace, all := range took[patch.name] {
				if round > 0 { // the first is to get warm
					p50[patch.name][namespace] = append(p50[patch.name][namespace], all.median())
				}
			}
		}
	}
	report := func(patch int, of, against string, wanted *target) {
		all := p50[patches[patch].name]
		results.add(fmt.Sprintf("PATCH %s: p50, %s / %s", patches[patch].name, of, against), "ratio", all[of].over(all[against]), wanted)
	}
	report(0, asksSkipped, asksNobody, atMost(1.10))
	report(0, asksGitonly, asksAllow, nil)
	report(1, asksGitonly, asksAllow, atMost(1.05))
	report(2, asksGitonly, asksAllow, atMost(1.05))
	report(2, asksRefusing, asksAllow, nil)
	report(2, asksGitonly, asksRefusing, nil)
	report(1, asksAllow, asksNobody, nil)
	report(1, asksGitonly, asksNobody, nil)
	report(2, asksGitonly, asksNobody, nil)
	report(2, asksNative, asksNobody, nil)
	report(2, asksGitonly, asksNative, nil)
	results.add("PATCH by a person: p50, "+asksNobody, "ms", p50[patches[1].name][asksNobody], nil)
	return nil
}

// scale sets a Deployment's replicas, and says how long that took.
func scale(ctx context.Context, client *kubernetes.Clientset, namespace string, replicas int, refused bool) (time.Duration, error) {
	lasted, err := patch(ctx, client, namespace, replicas)
	switch {
	case refused && err == nil:
		return 0, fmt.Errorf("nobody refused replicas: %d", replicas)
	case refused && (apierrors.IsForbidden(err) || apierrors.IsInvalid(err)):
		return lasted, nil
	}
	return lasted, err
}

func patch(ctx context.Context, client *kubernetes.Clientset, namespace string, replicas int) (time.Duration, error) {
	body := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
	began := time.Now()
	_, err := client.AppsV1().Deployments(namespace).Patch(ctx, "web", types.MergePatchType, body, metav1.PatchOptions{FieldManager: "bench"})
	return time.Since(began), err
}

// ask registers each webhook and the policy, and waits until they are asked.
func (c *cluster) ask(ctx context.Context) error {
	of := func(namespace string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: map[string]string{"asks": namespace}}
	}
	if err := c.webhook.Register(ctx, stage.Registration{Name: "-all", Namespaces: of(asksGitonly)}, asksGitonly); err != nil {
		return err
	}
	skipping := stage.Registration{Name: "-skipping", Namespaces: of(asksSkipped), Condition: `request.userInfo.username != "` + workload.AgentName + `"`}
	if err := c.webhook.Register(ctx, skipping, asksSkipped); err != nil {
		return err
	}
	if err := c.stage.Apply(ctx, []byte(native)); err != nil {
		return err
	}
	message, err := c.refusal(ctx)
	if err != nil {
		return err
	}
	allowing, err := start(ctx, asksAllow)
	if err != nil {
		return err
	}
	c.stops = append(c.stops, allowing.stop)
	refusing, err := start(ctx, asksRefusing, message)
	if err != nil {
		return err
	}
	c.stops = append(c.stops, refusing.stop)
	if err := errors.Join(c.register(ctx, asksAllow, allowing, of(asksAllow)), c.register(ctx, asksRefusing, refusing, of(asksRefusing))); err != nil {
		return err
	}
	// The API server takes registrations up when its watches tell it.
	for ctx.Err() == nil {
		_, bySkipping := scale(ctx, c.admin, asksSkipped, refusedReplicas, true)
		_, byPolicy := scale(ctx, c.admin, asksNative, refusedReplicas, true)
		_, byRefusing := scale(ctx, c.admin, asksRefusing, refusedReplicas, true)
		if _, err := scale(ctx, c.admin, asksAllow, refusedReplicas, false); err != nil {
			return err
		}
		u, err := allowing.usage()
		if err != nil {
			return err
		}
		if bySkipping == nil && byPolicy == nil && byRefusing == nil && u.Reviews > 0 {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return ctx.Err()
}

// refusal waits until gitonly is asked, and returns what it says to a person whom it
// refuses.
func (c *cluster) refusal(ctx context.Context) (string, error) {
	for ctx.Err() == nil {
		_, err := patch(ctx, c.person, asksGitonly, refusedReplicas)
		if _, message, ok := strings.Cut(fmt.Sprint(err), " denied the request: "); ok {
			return message, nil
		}
		if err != nil {
			return "", err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return "", ctx.Err()
}

// register makes the API server ask a server about what it asks gitonly.
func (c *cluster) register(ctx context.Context, name string, s *server, namespaces *metav1.LabelSelector) error {
	var configuration admissionregistration.ValidatingWebhookConfiguration
	if err := yaml.UnmarshalStrict(webhook.Registration, &configuration); err != nil {
		return err
	}
	certificate, err := s.certificate(ctx)
	if err != nil {
		return err
	}
	configuration.Name = name
	hook := &configuration.Webhooks[0]
	hook.Name, hook.NamespaceSelector = name+".bench.example.com", namespaces
	hook.ClientConfig = admissionregistration.WebhookClientConfig{URL: new("https://" + s.address + "/enforce"), CABundle: certificate}
	hook.FailurePolicy = new(admissionregistration.Fail)
	_, err = c.admin.AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(ctx, &configuration, metav1.CreateOptions{})
	return err
}

// certificate is what the server's own is trusted by, which is itself.
func (s *server) certificate(ctx context.Context) ([]byte, error) {
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	connection, err := dialer.DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate of %s: %w", s.address, err)
	}
	defer connection.Close()
	var bundle strings.Builder
	for _, one := range connection.(*tls.Conn).ConnectionState().PeerCertificates {
		if err := pem.Encode(&bundle, &pem.Block{Type: "CERTIFICATE", Bytes: one.Raw}); err != nil {
			return nil, err
		}
	}
	return []byte(bundle.String()), nil
}
