// Package chart_test installs gitonly's chart with Helm on real API servers.
package chart_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/e2e/controlplane"
)

const (
	chart     = "../../charts/gitonly"
	namespace = "gitonly-system"
)

func TestHelmFindsNothingWrong(t *testing.T) {
	h := newHelm(t, nil)
	for _, set := range [][]string{nil, everything} {
		out, err := h.run(t.Context(), append([]string{"lint", "--strict", chart}, set...)...)
		if err != nil || !strings.Contains(out, "1 chart(s) linted, 0 chart(s) failed") {
			t.Errorf("helm lint %q: %v\n%s", set, err, out)
		}
	}
}

// everything turns on what needs no kinds of others.
var everything = []string{
	"--set", "certificates.provider=SelfManaged", "--set", "argoCD.enabled=true", "--set", "flux.enabled=true",
	"--set", "push.secretName=push", "--set", "webhook.timeoutSeconds=1", "--set", "metrics.dashboard.enabled=true", "--set", "image.registry=images.example.com",
	"--set", "networkPolicy.egress[0].ports[0].port=443", "--set", "podAnnotations.a=b", "--set", "commonLabels.team=platform",
	"--set", "webhook.skipUsers[0]=system:serviceaccount:flux-system:kustomize-controller",
}

func TestTheChartOnARealAPIServer(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts real API servers")
	}
	for _, version := range []string{controlplane.DefaultVersion, "1.29.6"} {
		t.Run(version, func(t *testing.T) {
			plane, err := controlplane.Start(t.Context(), controlplane.Options{Version: version, ControllerManager: true, Progress: t.Output()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := plane.Stop(); err != nil {
					t.Error(err)
				}
			})
			s := newScene(t, plane)
			s.step("a namespace takes only what Pod Security calls restricted", s.restricted)
			s.step("it installs", s.installs)
			s.step("it says what is in the way of another installation", s.advises)
			s.step("the API server knows each field", s.strict)
			s.step("Pod Security admits its Pods, and would refuse others", s.admitsPods)
			s.step("helm test asks gitonly what isn't ready, with its own rights", s.tests)
			s.step("an upgrade leaves gitonly's own kinds as they are", s.upgrades)
			s.step("while nothing answers, Fail refuses writes, and not what mends it", s.locks)
			s.step("it uninstalls while nothing answers, and leaves nothing locked", s.uninstalls)
			s.step("it installs again over what it left", s.installs)
		})
	}
}

type scene struct {
	*testing.T
	helm
	plane  *controlplane.ControlPlane
	client kubernetes.Interface
}

func newScene(t *testing.T, plane *controlplane.ControlPlane) *scene {
	client, err := kubernetes.NewForConfig(plane.Admin.Config)
	if err != nil {
		t.Fatal(err)
	}
	return &scene{T: t, helm: newHelm(t, plane.KubectlEnv(plane.Admin)), plane: plane, client: client}
}

// step runs one after those before it, and ends the test where it goes wrong.
func (s *scene) step(name string, do func(*testing.T)) {
	if !s.Run(name, do) {
		s.FailNow()
	}
}

func (s *scene) restricted(t *testing.T) {
	for _, name := range []string{namespace, "argocd", "flux-system", "team"} {
		labels := map[string]string{}
		if name == namespace {
			labels["pod-security.kubernetes.io/enforce"] = "restricted"
		}
		_, err := s.client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (s *scene) installs(t *testing.T) {
	notes := s.must(t, append([]string{"install", "gitonly", chart, "-n", namespace, "--wait=hookOnly"}, everything...)...)
	if strings.Contains(notes, "here before") {
		t.Errorf("what the chart makes counts as left by others\n%s", notes)
	}
	want := "gitsource.gitonly.dev/argocd\ngitsource.gitonly.dev/flux\nguardpolicy.gitonly.dev/gitonly\n"
	if got := s.kubectl(t, "", "get", "gitsources,guardpolicies", "-o", "name"); got != want {
		t.Errorf("gitonly's own kinds are\n%swant\n%s", got, want)
	}
	if mode := s.kubectl(t, "", "get", "guardpolicy", "gitonly", "-o", "jsonpath={.spec.mode}"); mode != "Audit" {
		t.Errorf("the policy's mode is %s", mode)
	}
}

// advises asks what would be installed under another name.
func (s *scene) advises(t *testing.T) {
	install := []string{"install", "other", chart, "-n", "other", "--dry-run=server"}
	for _, test := range []struct{ set, want string }{
		{"certificates.provider=CertManager", "certificates.provider=CertManager needs cert-manager, which this cluster doesn't have. Install it first, or have gitonly make its certificate itself: --set certificates.provider=SelfManaged"},
		{"certificates.provider=SelfManaged,webhook.failurePolicy=Fail", "webhook.failurePolicy=Fail would refuse the rest of this installation, as no Pod answers yet. Install with Ignore, and go on to Fail with helm upgrade."},
		{"certificates.provider=SelfManaged", "GitSources that were here before: argocd, flux. No webhook is ready before it has looked at each of them."},
	} {
		if out, _ := s.run(t.Context(), append(install, "--set", test.set)...); !strings.Contains(out, test.want) {
			t.Errorf("--set %s says\n%swant in it\n%s", test.set, out, test.want)
		}
	}
}

func (s *scene) strict(t *testing.T) {
	for _, file := range kinds(t) {
		s.kubectl(t, "", "create", "--validate=false", "-f", file) // 1.29 doesn't know all of them
	}
	s.kubectl(t, "", "wait", "--for=condition=Established", "--timeout=3m", "crd", "--all")
	template := []string{"template", "gitonly", chart, "-n", namespace, "--no-hooks"}
	manifests := s.must(t, append(template, everything...)...) + "\n---\n" +
		s.must(t, append(template, "--set", "metrics.serviceMonitor.enabled=true", "--set", "metrics.prometheusRule.enabled=true")...)
	for _, file := range []string{"../../config/rbac/gitonly.yaml", "../../config/webhook/webhook.yaml", "../../config/webhook/registration.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		manifests += "\n---\n" + string(text)
	}
	for _, kind := range []string{"Certificate", "Issuer", "ServiceMonitor", "Deployment", "GuardPolicy"} {
		if !strings.Contains(manifests, "\nkind: "+kind+"\n") {
			t.Errorf("no %s is among the manifests", kind)
		}
	}
	s.kubectl(t, manifests, "apply", "--dry-run=server", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-")
}

func (s *scene) admitsPods(t *testing.T) {
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 3*time.Minute, true, func(ctx context.Context) (bool, error) {
		pods, err := s.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=gitonly"})
		return err == nil && len(pods.Items) == 2, err
	})
	if err != nil {
		t.Errorf("waiting for both Pods: %v\n%s", err, s.kubectl(t, "", "describe", "replicaset", "-n", namespace))
	}
	test := s.must(t, append([]string{"template", "gitonly", chart, "-n", namespace, "--show-only", "templates/tests/status.yaml"}, everything...)...)
	s.kubectl(t, test, "create", "--dry-run=server", "--validate=strict", "-f", "-")
	_, err = s.client.CoreV1().Pods(namespace).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "lax"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "a"}}},
	}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err == nil || !strings.Contains(err.Error(), `violates PodSecurity "restricted:latest"`) {
		t.Errorf("a Pod without a security context: %v", err)
	}
}

// tests runs what the test's Pod does: no kubelet runs it here.
func (s *scene) tests(t *testing.T) {
	var pod corev1.Pod
	manifest := s.must(t, append([]string{"template", "gitonly", chart, "-n", namespace, "--show-only", "templates/tests/status.yaml"}, everything...)...)
	if err := yaml.UnmarshalStrict([]byte(manifest), &pod); err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	output(t, exec.CommandContext(t.Context(), "go", "build", "-o", bin, "gitonly.dev/gitonly/cmd/kubectl-gitonly"))
	account, err := s.plane.ServiceAccountUser(t.Context(), pod.Namespace, pod.Spec.ServiceAccountName)
	if err != nil {
		t.Fatal(err)
	}
	command := pod.Spec.Containers[0].Command
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, command[0]), command[1:]...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+account.Kubeconfig)
	out, err := cmd.CombinedOutput()
	if want := "error: not ready: GitSource argocd, GitSource flux, GuardPolicy gitonly; ValidatingWebhookConfiguration gitonly has no caBundle, and every write passes; no replica of gitonly was heard of lately\n"; err == nil || !strings.HasSuffix(string(out), want) {
		t.Errorf("%q ends with %v, having said\n%swant at its end\n%s", command, err, out, want)
	}
}

func (s *scene) upgrades(t *testing.T) {
	// Another version of the chart, as an upgrade would bring.
	next := filepath.Join(t.TempDir(), "gitonly")
	if err := os.CopyFS(next, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(next, "Chart.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte("0.1.0"), []byte("0.2.0")), 0o600); err != nil {
		t.Fatal(err)
	}
	before := s.configuration(t)
	s.must(t, append([]string{"upgrade", "gitonly", next, "-n", namespace, "--wait=hookOnly"}, everything...)...)
	if image := s.kubectl(t, "", "get", "deployment", "gitonly", "-n", namespace, "-o", "jsonpath={.spec.template.spec.containers[0].image}"); image != "images.example.com/gitonly:0.2.0" {
		t.Errorf("the image is %s after the upgrade", image)
	}
	if after := s.configuration(t); after != before {
		t.Errorf("they were\n%s\nand are\n%s", before, after)
	}
	// What Git brings from now on leaves the chart, and stays.
	s.must(t, append([]string{"upgrade", "gitonly", next, "-n", namespace, "--wait=hookOnly", "--set", "guardPolicy.create=false"}, everything...)...)
	s.kubectl(t, "", "get", "guardpolicy", "gitonly")
}

// configuration is what gitonly's own objects are, and at which version.
func (s *scene) configuration(t *testing.T) string {
	return s.kubectl(t, "", "get", "gitsources,guardpolicies", "-o", `jsonpath={range .items[*]}{.metadata.name} {.metadata.resourceVersion} {.metadata.labels} {.spec}{"\n"}{end}`)
}

func (s *scene) locks(t *testing.T) {
	// The API server's own binding for nodes has nobody in it: they come by another way.
	s.kubectl(t, "", "create", "clusterrolebinding", "nodes", "--clusterrole=system:node", "--group=system:nodes")
	// No kubelet runs here: nothing answers behind the Service.
	s.kubectl(t, "", "patch", "validatingwebhookconfiguration", "gitonly", "--type=json", "-p",
		`[{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Fail"}]`)
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 3*time.Minute, true, func(ctx context.Context) (bool, error) {
		return apierrors.IsInternalError(s.write(ctx, "team")), nil
	})
	if err != nil {
		t.Fatalf("a write isn't refused: %v", err)
	}
	if err := s.write(t.Context(), namespace); err != nil {
		t.Errorf("in gitonly's own namespace: %v", err)
	}
	node, err := s.plane.AddUser("system:node:a", "system:nodes")
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(node.Config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CoreV1().Nodes().Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		t.Errorf("a node can't join: %v", err)
	}
}

// write tries to write something.
func (s *scene) write(ctx context.Context, namespace string) error {
	_, err := s.client.CoreV1().ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "a-"}}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	return err
}

func (s *scene) uninstalls(t *testing.T) {
	s.must(t, "uninstall", "gitonly", "-n", namespace, "--wait=hookOnly")
	if left := s.kubectl(t, "", "get", "validatingwebhookconfigurations,clusterroles,clusterrolebindings", "-l", "app.kubernetes.io/name=gitonly", "-o", "name"); left != "" {
		t.Errorf("left are\n%s", left)
	}
	// The API server forgets a registration when its watch tells it.
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 3*time.Minute, true, func(ctx context.Context) (bool, error) {
		return s.write(ctx, "team") == nil, nil
	})
	if err != nil {
		t.Error("writes are refused still")
	}
	s.kubectl(t, "", "get", "guardpolicy/gitonly", "gitsource/argocd", "gitsource/flux")
}

func (s *scene) kubectl(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	cmd := s.plane.Kubectl(t.Context(), s.plane.Admin, args...)
	cmd.Stdin = strings.NewReader(stdin)
	return output(t, cmd)
}
