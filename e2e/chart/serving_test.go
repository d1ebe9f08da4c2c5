package chart_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"gitonly.dev/gitonly/e2e/agents"
	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/e2e/load"
	"gitonly.dev/gitonly/e2e/node"
	"gitonly.dev/gitonly/e2e/stage"
)

// settings are what Git declares.
const settings = `apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: team}
data: {colour: blue}
`

// guarding is what people write after the first installation, with the policy that
// the chart has made.
const guarding = `apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: gitonly}
spec:
  mode: Enforce
  agents: {subjects: [{kind: ServiceAccount, namespace: flux-system, name: kustomize-controller}]}
---
apiVersion: gitonly.dev/v1alpha1
kind: GitSource
metadata: {name: infra}
spec:
  git: {url: $GIT_URL, ref: {branch: main}, paths: [{path: team}]}
  interval: 5s
`

// served is the chart installed, with its Pods behind the API server.
type served struct {
	*stage.Stage
	helm
	egress *node.Egress
	node   *node.Node
	client kubernetes.Interface
	git    string // URL
	commit string
}

// newServed starts a cluster whose Pods of gitonly run with these flags, too, as
// processes share files and containers don't.
func newServed(t *testing.T, args ...string) *served {
	t.Helper()
	h := newHelm(t, nil)
	dir := t.TempDir()
	egress, err := node.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = egress.Close() })
	s := &served{helm: h, egress: egress}
	if s.Stage, err = stage.Start(t.Context(), stage.Options{Dir: dir, Progress: t.Output(), APIServerArgs: egress.Flags, WithoutGitonly: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	s.env = append(s.env, s.Plane.KubectlEnv(s.Plane.Admin)...)
	if s.client, err = kubernetes.NewForConfig(s.Plane.Admin.Config); err != nil {
		t.Fatal(err)
	}
	s.serveGit(t, filepath.Join(dir, "git"))
	s.node, err = node.Start(t.Context(), node.Options{
		Plane: s.Plane, Namespace: namespace, Dir: t.TempDir(), Program: filepath.Join(s.Bin, "webhook"),
		Args: append(args, "--bind-address=$ADDRESS"), // nor do containers share addresses; ports are those of the chart
	})
	if errors.Is(err, node.ErrNoAddresses) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.node.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *served) serveGit(t *testing.T, dir string) {
	repository, err := gitserver.Init(filepath.Join(dir, "infra.git"))
	if err != nil {
		t.Fatal(err)
	}
	if s.commit, err = repository.Commit(gitserver.Commit{Files: map[string]string{"team/settings.yaml": settings}}); err != nil {
		t.Fatal(err)
	}
	server, err := gitserver.ServeHTTP(dir, gitserver.HTTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	s.git = server.URL + "/infra.git"
}

func TestTheChartServesWithCertificatesOfCertManager(t *testing.T) {
	t.Parallel()
	s := newServed(t, "--cert-dir=$ROOT/var/run/gitonly/tls")
	certManager, err := agents.StartCertManager(t.Context(), s.Stage, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	s.enforces(t)
	s.renews(t, func() { s.renew(t, "gitonly-tls") })
	// Its authority's, too, while nobody tells the API server whom to trust.
	if err := certManager.CAInjector.Stop(); err != nil {
		t.Fatal(err)
	}
	s.renews(t, func() {
		s.renew(t, "gitonly-ca")
		s.renew(t, "gitonly-tls")
	})
	s.comesBack(t)
}

func TestTheChartServesWithCertificatesOfItsOwn(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	provider := []string{"--set", "certificates.provider=SelfManaged"}
	s.enforces(t, provider...)
	s.renews(t, func() {
		if err := s.client.CoreV1().Secrets(namespace).Delete(t.Context(), "gitonly-tls", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	})
	s.comesBack(t, provider...)
}

// enforces installs the chart, as docs/install.md goes from Audit to Enforce, and
// looks at what people and the agent may do then.
func (s *served) enforces(t *testing.T, set ...string) {
	t.Helper()
	s.must(t, append([]string{"install", "gitonly", chart, "-n", namespace, "--create-namespace", "--wait", "--timeout=3m"}, set...)...)
	for _, name := range []string{"team", "load"} {
		s.kubectl(t, "admin", "", "create", "namespace", name)
	}
	s.kubectl(t, "admin", strings.ReplaceAll(guarding, "$GIT_URL", s.git), "apply", "-f", "-")
	s.kubectl(t, "admin", "", "wait", "--for=condition=Ready", "--timeout=3m", "gitsource/infra", "guardpolicy/gitonly")
	revision := "main@" + s.commit[:7]
	s.eventually(t, "both Pods are at "+revision, func(ctx context.Context) (bool, error) {
		at, err := s.Plane.Kubectl(ctx, s.Users["admin"], "get", "gitsource/infra", "--output=jsonpath={.status.replicas[*].revision}").Output()
		return string(at) == revision+" "+revision, err
	})
	// A test's machine may be slow: what fails is to be a certificate's fault.
	s.upgrades(t, set...)

	s.kubectl(t, "agent", settings, "apply", "-f", "-")
	change := []string{"patch", "configmap/settings", "-n", "team", "--type=merge", `--patch={"data":{"colour":"red"}}`}
	cmd := s.Plane.Kubectl(t.Context(), s.Users["developer"], change...)
	var said bytes.Buffer
	cmd.Stderr = &said
	err := cmd.Run()
	got := strings.NewReplacer(s.commit[:7], "$REV", s.git, "$GIT_URL").Replace(said.String())
	got = regexp.MustCompile(`\(checked \d+s ago\)`).ReplaceAllString(got, "(checked AGE ago)")
	const want = `Error from server (Forbidden): admission webhook "validate.gitonly.dev" denied the request: gitonly: ConfigMap team/settings is declared in Git: team at main@$REV (checked AGE ago).
This request departs from it:
  data.colour: Git says "blue", the request says "red"   (team/settings.yaml)
Change it there: team/settings.yaml in $GIT_URL
In an emergency, somebody with the verb break-glass on configmaps can let this pass.
`
	if err == nil || got != want {
		t.Errorf("a person's change ends with %v, having said\n%swant\n%s", err, got, want)
	}
	s.kubectl(t, "agent", "", change...)
}

func (s *served) upgrades(t *testing.T, set ...string) {
	t.Helper()
	s.must(t, append([]string{"upgrade", "gitonly", chart, "-n", namespace, "--wait", "--timeout=3m",
		"--set", "webhook.failurePolicy=Fail", "--set", "guardPolicy.create=false",
		"--set", "webhook.timeoutSeconds=30"}, set...)...)
}

// renews has the certificate renewed while people write.
func (s *served) renews(t *testing.T, renew func()) {
	t.Helper()
	people := load.Start(t, s.Users["developer"].Config, "load", 4)
	people.GoOn(t, 200)
	before := s.kept(t)
	s.serves(t, before)
	renew()
	s.eventually(t, "there is a new certificate", func(context.Context) (bool, error) {
		now := s.kept(t)
		return now != "" && now != before, nil
	})
	s.serves(t, s.kept(t))
	// The API server sees the new one on new connections, which more people need.
	opened := s.egress.Opened()
	crowd := load.Start(t, s.Users["developer"].Config, "load", 32)
	for s.egress.Opened() < opened+10 {
		crowd.GoOn(t, 20)
	}
	crowd.GoOn(t, 100)
	crowd.End(t)
	people.End(t)
}

// kept is the serial number of the certificate in the Secret; empty if there is
// none.
func (s *served) kept(t *testing.T) string {
	t.Helper()
	secret, err := s.client.CoreV1().Secrets(namespace).Get(t.Context(), "gitonly-tls", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(secret.Data["tls.crt"])
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate.SerialNumber.String()
}

// serves waits until both Pods serve the certificate with a serial number.
func (s *served) serves(t *testing.T, serial string) {
	t.Helper()
	s.eventually(t, "both Pods serve "+serial, func(ctx context.Context) (bool, error) {
		var served []string
		dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} // the API server looks at it, not we
		for _, address := range s.node.Serving("https") {
			connection, err := dialer.DialContext(ctx, "tcp", address)
			if err != nil {
				return false, err
			}
			served = append(served, connection.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String())
			_ = connection.Close()
		}
		return slices.Equal(served, []string{serial, serial}), nil
	})
}

// renew does what cmctl renew does, and waits until it is done.
func (s *served) renew(t *testing.T, certificate string) {
	t.Helper()
	now := time.Now().UTC().Format(time.RFC3339)
	s.kubectl(t, "admin", "", "patch", "certificate/"+certificate, "-n", namespace, "--subresource=status", "--type=json", "--patch",
		fmt.Sprintf(`[{"op": "add", "path": "/status/conditions/-", "value": {"type": "Issuing", "status": "True",
			"reason": "ManuallyTriggered", "message": "Certificate re-issuance manually triggered", "lastTransitionTime": %q}}]`, now))
	s.eventually(t, "certificate "+certificate+" is issued", func(ctx context.Context) (bool, error) {
		condition, err := s.Plane.Kubectl(ctx, s.Users["admin"], "get", "certificate/"+certificate, "-n", namespace, `--output=jsonpath={.status.conditions[?(@.type=="Issuing")].status}`).Output()
		return len(condition) == 0, err
	})
}

func (s *served) eventually(t *testing.T, what string, is wait.ConditionWithContextFunc) {
	t.Helper()
	if err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 5*time.Minute, true, is); err != nil {
		t.Fatalf("%s: never: %v", what, err)
	}
}

func (s *served) kubectl(t *testing.T, user, stdin string, args ...string) string {
	t.Helper()
	cmd := s.Plane.Kubectl(t.Context(), s.Users[user], args...)
	cmd.Stdin = strings.NewReader(stdin)
	return output(t, cmd)
}
