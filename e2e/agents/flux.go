package agents

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"path/filepath"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/e2e/controlplane"
	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/e2e/stage"
)

//go:embed flux.yaml
var fluxManifests []byte

// Flux is a running kustomize-controller. It ends with the control plane.
type Flux struct {
	artifacts *artifacts
}

// StartFlux installs Flux's kinds and service accounts, and starts kustomize-controller as
// flux-system/kustomize-controller. It returns when the controller says that it is ready.
func StartFlux(ctx context.Context, s *stage.Stage, progress io.Writer) (*Flux, error) {
	for _, name := range []string{fluxSource, fluxKustomize} {
		paths, err := build(ctx, name, progress)
		if err != nil {
			return nil, err
		}
		if err := apply(ctx, s, "", paths[fluxCRDs]); err != nil {
			return nil, err
		}
	}
	if err := waitServed(ctx, s, "gitrepositories.source.toolkit.fluxcd.io", "kustomizations.kustomize.toolkit.fluxcd.io"); err != nil {
		return nil, err
	}
	if err := s.Apply(ctx, fluxManifests); err != nil {
		return nil, err
	}
	f := &Flux{}
	var err error
	if f.artifacts, err = fluxArtifacts(ctx, s); err != nil {
		return nil, err
	}
	return f, f.startController(ctx, s)
}

func fluxArtifacts(ctx context.Context, s *stage.Stage) (*artifacts, error) {
	user, err := s.Plane.ServiceAccountUser(ctx, "flux-system", "source-controller")
	if err != nil {
		return nil, err
	}
	as, err := client.New(user.Config, client.Options{})
	if err != nil {
		return nil, fmt.Errorf("make a client for source-controller: %w", err)
	}
	return serveArtifacts(filepath.Join(s.Plane.Dir, "artifacts"), as)
}

func (f *Flux) startController(ctx context.Context, s *stage.Stage) error {
	paths, err := build(ctx, fluxKustomize, nil)
	if err != nil {
		return err
	}
	user, err := s.Plane.ServiceAccountUser(ctx, "flux-system", "kustomize-controller")
	if err != nil {
		return err
	}
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	controller, err := s.Plane.Launch(controlplane.Program{
		Name: "kustomize-controller", Path: paths["kustomize-controller"],
		Args: []string{
			"--metrics-addr=" + local(ports[0]), "--health-addr=" + local(ports[1]),
			"--enable-leader-election=false", "--log-level=info", "--requeue-dependency=1s",
		},
		Env: []string{"RUNTIME_NAMESPACE=flux-system", "KUBECONFIG=" + user.Kubeconfig},
	})
	if err != nil {
		return err
	}
	return waitUp(ctx, s, "kustomize-controller", controller, "http://"+local(ports[1])+"/readyz")
}

// Publish does what source-controller does when it finds a new commit of a GitRepository's branch main.
func (f *Flux) Publish(ctx context.Context, name types.NamespacedName, r *gitserver.Repository, commit string) error {
	return f.artifacts.publish(ctx, name, r, commit)
}

// Stop ends what Flux runs in this process.
func (f *Flux) Stop() error { return f.artifacts.server.Close() }
