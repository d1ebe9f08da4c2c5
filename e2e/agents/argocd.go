package agents

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/alicebob/miniredis/v2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/e2e/controlplane"
	"gitonly.dev/gitonly/e2e/stage"
)

//go:embed argocd.yaml
var argoCDProject []byte

// ArgoCD is a running repo-server and application-controller. They end with the control plane.
type ArgoCD struct {
	dir    string
	binary string
	path   string // PATH of the repo-server
	redis  *miniredis.Miniredis
	ports  []int
}

// StartArgoCD installs Argo CD's own manifests in the namespace argocd, scaled to no Pods, and
// starts repo-server and application-controller, the latter as argocd/argocd-application-controller.
// It returns when both say that they are ready. There is no argocd-server.
func StartArgoCD(ctx context.Context, s *stage.Stage, progress io.Writer) (*ArgoCD, error) {
	paths, err := build(ctx, argoCD, progress)
	if err != nil {
		return nil, err
	}
	a := &ArgoCD{dir: filepath.Join(s.Plane.Dir, "argocd"), binary: paths["argocd"]}
	if err := a.install(ctx, s, paths[argoManifests]); err != nil {
		return nil, err
	}
	if err := a.prepare(ctx, progress); err != nil {
		return nil, fmt.Errorf("prepare Argo CD: %w", err)
	}
	if a.ports, err = freePorts(3); err != nil {
		return nil, err
	}
	// Argo CD only caches there.
	if a.redis, err = miniredis.Run(); err != nil {
		return nil, fmt.Errorf("start Argo CD's cache: %w", err)
	}
	if err := a.launch(ctx, s); err != nil {
		a.redis.Close()
		return nil, err
	}
	return a, nil
}

// install applies Argo CD's manifests.
func (a *ArgoCD) install(ctx context.Context, s *stage.Stage, manifests string) error {
	text, err := os.ReadFile(manifests)
	if err != nil {
		return err
	}
	kept, err := withoutPods(text)
	if err != nil {
		return fmt.Errorf("read Argo CD's manifests: %w", err)
	}
	if err := os.MkdirAll(a.dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(a.dir, "install.yaml")
	if err := os.WriteFile(path, kept, 0o600); err != nil {
		return err
	}
	if err := s.Apply(ctx, []byte("{apiVersion: v1, kind: Namespace, metadata: {name: argocd}}\n")); err != nil {
		return err
	}
	if err := apply(ctx, s, "argocd", path); err != nil {
		return err
	}
	if err := waitServed(ctx, s, "applications.argoproj.io", "appprojects.argoproj.io"); err != nil {
		return err
	}
	return s.Apply(ctx, argoCDProject)
}

// withoutPods has nothing run in Pods, as no node is there to run any, and leaves out what leads to them.
// Deployments and StatefulSets stay: they tell as whom Argo CD runs.
func withoutPods(manifests []byte) ([]byte, error) {
	var kept [][]byte
	for document := range bytes.SplitSeq(manifests, []byte("\n---\n")) {
		var object map[string]any
		if err := yaml.Unmarshal(document, &object); err != nil {
			return nil, err
		}
		switch object["kind"] {
		case "Service", "NetworkPolicy", nil:
			continue
		case "Deployment", "StatefulSet":
			if err := unstructured.SetNestedField(object, int64(0), "spec", "replicas"); err != nil {
				return nil, err
			}
			var err error
			if document, err = yaml.Marshal(object); err != nil {
				return nil, err
			}
		}
		kept = append(kept, document)
	}
	return bytes.Join(kept, []byte("\n---\n")), nil
}

// prepare makes the folders that Argo CD's image has, and the programs that repo-server calls.
func (a *ArgoCD) prepare(ctx context.Context, progress io.Writer) error {
	bin := filepath.Join(a.dir, "bin")
	for _, dir := range []string{"bin", "tmp", "tls", "ssh", "gnupg", "gpg", "plugins"} {
		if err := os.MkdirAll(filepath.Join(a.dir, dir), 0o700); err != nil {
			return err
		}
	}
	for _, name := range []string{kustomize, helm} {
		paths, err := build(ctx, name, progress)
		if err != nil {
			return err
		}
		if err := os.Symlink(paths[name], filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	// It is one program, which looks at its name.
	for _, name := range []string{"argocd-repo-server", "argocd-application-controller"} {
		if err := os.Symlink(a.binary, filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	a.path = bin + string(os.PathListSeparator) + os.Getenv("PATH")
	return os.WriteFile(filepath.Join(bin, "git-verify-wrapper.sh"), []byte("#!/bin/sh\nexit 0\n"), 0o755)
}

func (a *ArgoCD) launch(ctx context.Context, s *stage.Stage) error {
	user, err := s.Plane.ServiceAccountUser(ctx, "argocd", "argocd-application-controller")
	if err != nil {
		return err
	}
	in := func(name string) string { return filepath.Join(a.dir, name) }
	env := []string{
		"KUBECONFIG=" + user.Kubeconfig, "PATH=" + a.path, "TMPDIR=" + in("tmp"), "HOME=" + a.dir,
		"ARGOCD_FAKE_IN_CLUSTER=true", "ARGOCD_GPG_ENABLED=false",
		"ARGOCD_TLS_DATA_PATH=" + in("tls"), "ARGOCD_SSH_DATA_PATH=" + in("ssh"),
		"ARGOCD_GNUPGHOME=" + in("gnupg"), "ARGOCD_GPG_DATA_PATH=" + in("gpg"), "ARGOCD_PLUGINSOCKFILEPATH=" + in("plugins"),
	}
	repoServer, repoMetrics, metrics := a.ports[0], a.ports[1], a.ports[2]
	for _, p := range []struct {
		name, up string
		args     []string
	}{
		{"argocd-repo-server", "http://" + local(repoMetrics) + "/healthz?full=true", []string{
			"--address=127.0.0.1", "--port=" + strconv.Itoa(repoServer), "--redis=" + a.redis.Addr(),
			"--metrics-address=127.0.0.1", "--metrics-port=" + strconv.Itoa(repoMetrics),
		}},
		{"argocd-application-controller", "http://" + local(metrics) + "/healthz", []string{
			"--namespace=argocd", "--redis=" + a.redis.Addr(), "--repo-server=" + local(repoServer),
			"--metrics-port=" + strconv.Itoa(metrics),
		}},
	} {
		process, err := s.Plane.Launch(controlplane.Program{
			Name: p.name, Path: filepath.Join(a.dir, "bin", p.name), Args: p.args, Env: env,
		})
		if err != nil {
			return err
		}
		if err := waitUp(ctx, s, p.name, process, p.up); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends what Argo CD runs in this process. The processes end with the control plane.
func (a *ArgoCD) Stop() { a.redis.Close() }
