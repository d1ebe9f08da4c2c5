// Package stage puts gitonly in front of a real API server: the cluster, the
// people and service accounts in it, webhook processes, and their registration.
// Scenarios and the demo play on it.
package stage

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"gitonly.dev/gitonly/config/crd"
	"gitonly.dev/gitonly/config/rbac"
	"gitonly.dev/gitonly/e2e/controlplane"
)

// manifests say who is on the stage beside gitonly, and what they may do.
//
//go:embed cluster.yaml
var manifests []byte

// Stage is a running cluster without any webhook yet.
type Stage struct {
	Plane *controlplane.ControlPlane
	Users map[string]controlplane.User // by the names that scenarios use
	Bin   string                       // folder with webhook and kubectl-gitonly

	dir     string
	gitonly controlplane.User
	ports   ports
}

// Options say what to start.
type Options struct {
	Version  string    // of Kubernetes; see controlplane.Options
	Dir      string    // for binaries and logs; the caller removes it
	Progress io.Writer // is told what takes long; nil discards it

	APIServerArgs []string // more flags for kube-apiserver, each written --name=value

	WithoutGitonly bool // nothing of gitonly's own is there: it is installed
	// NoControllers is for who measures: nothing follows a write, and RBAC
	// grants nothing by roles that are made of others, such as edit.
	NoControllers bool
}

// Start builds what is missing and starts the cluster. Stop ends it.
//
// Its users are:
//
//   - admin, in system:masters
//   - developer, who may edit everything in any namespace
//   - colleague, who may, too
//   - agent, the service account flux-system/kustomize-controller
//   - ci, the service account ci/pipeline, which may edit as developers may
func Start(ctx context.Context, o Options) (*Stage, error) {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	s := &Stage{dir: o.Dir, Bin: filepath.Join(o.Dir, "bin"), Users: map[string]controlplane.User{}}
	if err := build(ctx, s.Bin, o.Progress); err != nil {
		return nil, err
	}
	plane, err := controlplane.Start(ctx, controlplane.Options{
		Version: o.Version, Progress: o.Progress, Dir: filepath.Join(o.Dir, "logs"),
		APIServerArgs: o.APIServerArgs, ControllerManager: !o.NoControllers,
	})
	if err != nil {
		return nil, err
	}
	s.Plane = plane
	if err := s.cast(ctx, !o.WithoutGitonly); err != nil {
		_ = plane.Stop() // the first error is the one to tell
		return nil, err
	}
	return s, nil
}

// build compiles gitonly's programs into a folder, as "make build" does: with cgo
// they would be others, a quarter larger.
func build(ctx context.Context, dir string, progress io.Writer) error {
	fmt.Fprintln(progress, "building gitonly …")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", dir+string(filepath.Separator), "gitonly.dev/gitonly/cmd/...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building gitonly: %w\n%s", err, out)
	}
	return nil
}

// cast makes the users, gitonly among them or not.
func (s *Stage) cast(ctx context.Context, gitonly bool) error {
	developer, err := s.Plane.AddUser("dana", "developers")
	if err != nil {
		return err
	}
	colleague, err := s.Plane.AddUser("erin", "developers")
	if err != nil {
		return err
	}
	if err := s.Apply(ctx, manifests); err != nil {
		return err
	}
	s.Users["admin"], s.Users["developer"], s.Users["colleague"] = s.Plane.Admin, developer, colleague
	for name, account := range map[string][2]string{
		"agent": {"flux-system", "kustomize-controller"},
		"ci":    {"ci", "pipeline"},
	} {
		if s.Users[name], err = s.Plane.ServiceAccountUser(ctx, account[0], account[1]); err != nil {
			return err
		}
	}
	if !gitonly {
		return nil
	}
	if err := s.Apply(ctx, rbac.Manifests); err != nil {
		return err
	}
	s.gitonly, err = s.Plane.ServiceAccountUser(ctx, "gitonly-system", "gitonly")
	return err
}

// Apply applies manifests as the administrator.
func (s *Stage) Apply(ctx context.Context, manifests []byte) error {
	cmd := s.Plane.Kubectl(ctx, s.Plane.Admin, "apply", "-f", "-")
	cmd.Stdin = bytes.NewReader(manifests)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("applying manifests: %w\n%s", err, out)
	}
	return nil
}

// InstallCRDs installs gitonly's own kinds, and waits until they are served.
func (s *Stage) InstallCRDs(ctx context.Context) error {
	files, err := fs.Glob(crd.Files, "*.yaml")
	if err != nil {
		return err
	}
	for _, file := range files {
		definition, err := crd.Files.ReadFile(file)
		if err != nil {
			return err
		}
		if err := s.Apply(ctx, definition); err != nil {
			return err
		}
	}
	wait := s.Plane.Kubectl(ctx, s.Plane.Admin, "wait", "--for=condition=Established", "--timeout=3m",
		"crd/gitsources.gitonly.dev", "crd/guardpolicies.gitonly.dev", "crd/breakglasses.gitonly.dev")
	if out, err := wait.CombinedOutput(); err != nil {
		return fmt.Errorf("waiting for gitonly's kinds to be served: %w\n%s", err, out)
	}
	// The API server keeps the first objects of a new kind waiting for some seconds.
	// This one is invalid, which it says then.
	first := s.Plane.Kubectl(ctx, s.Plane.Admin, "create", "--dry-run=server", "-f", "-")
	first.Stdin = strings.NewReader("{apiVersion: gitonly.dev/v1alpha1, kind: BreakGlass, metadata: {name: first}, spec: {}}")
	if out, err := first.CombinedOutput(); !strings.Contains(string(out), "is invalid") {
		return fmt.Errorf("waiting for the first BreakGlass to be taken: %w\n%s", err, out)
	}
	return nil
}

// Stop ends the cluster.
func (s *Stage) Stop() error { return s.Plane.Stop() }

// Path is PATH with gitonly's programs and kubectl first.
func (s *Stage) Path() string {
	return s.Bin + string(os.PathListSeparator) + filepath.Dir(s.Plane.Binaries.Kubectl) + string(os.PathListSeparator) + os.Getenv("PATH")
}
