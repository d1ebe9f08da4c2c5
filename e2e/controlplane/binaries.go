package controlplane

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"gitonly.dev/gitonly/e2e/workshop"
)

// Binaries are the programs of one control plane, as absolute paths.
type Binaries struct {
	// Version is that of kube-apiserver, without a leading v: 1.37.2.
	Version string

	Etcd              string
	APIServer         string
	ControllerManager string // empty in a control plane that runs without
	Kubectl           string
}

// tool is a program and where it comes from.
type tool struct {
	name   string
	module string
	pkg    string
	takes  string                  // to build, with nothing cached, on two cores
	slot   func(*Binaries) *string // where its path goes
}

func tools() []tool {
	return []tool{
		{"etcd", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3", "15 seconds",
			func(b *Binaries) *string { return &b.Etcd }},
		{"kube-apiserver", "k8s.io/kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", "5 minutes",
			func(b *Binaries) *string { return &b.APIServer }},
		{controllerManagerName, "k8s.io/kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager", "2 minutes",
			func(b *Binaries) *string { return &b.ControllerManager }},
		{"kubectl", "k8s.io/kubernetes", "k8s.io/kubernetes/cmd/kubectl", "30 seconds",
			func(b *Binaries) *string { return &b.Kubectl }},
	}
}

const controllerManagerName = "kube-controller-manager"

// Build returns the binaries of a Kubernetes version, and builds those that aren't in the cache
// yet. An empty version means the one in KUBERNETES_VERSION, or else DefaultVersion. Each build is
// announced on progress, with how long it should take, and then how long it took; nothing is
// written there when nothing is built. A nil progress discards that.
//
// With KUBEBUILDER_ASSETS set, the binaries there are used; Build then fails if they aren't of the
// version asked for, or if one is missing that can't be built.
//
// Several processes may call Build at once: one builds, the others wait. When ctx ends, so does the
// build; what it had compiled stays in Go's own build cache, so the next attempt goes on from there.
func Build(ctx context.Context, version string, progress io.Writer) (Binaries, error) {
	return find(ctx, settingsFrom(os.Getenv, version), tools(), progress)
}

// settings are what the environment and the caller say.
type settings struct {
	version string // as asked for; empty: any
	assets  string // KUBEBUILDER_ASSETS
	cache   string // GITONLY_CACHE
}

func settingsFrom(getenv func(string) string, version string) settings {
	return settings{
		version: strings.TrimPrefix(cmp.Or(version, getenv("KUBERNETES_VERSION")), "v"),
		assets:  getenv("KUBEBUILDER_ASSETS"),
		cache:   getenv("GITONLY_CACHE"),
	}
}

// find returns the wanted binaries, from KUBEBUILDER_ASSETS or from the cache.
func find(ctx context.Context, s settings, wanted []tool, progress io.Writer) (Binaries, error) {
	w := workshop.Workshop{Cache: s.cache, Progress: progress}
	if s.assets != "" {
		return assets(ctx, s, wanted, w)
	}
	r, err := findRelease(cmp.Or(s.version, DefaultVersion))
	if err != nil {
		return Binaries{}, err
	}
	found := Binaries{Version: r.version}
	for _, t := range wanted {
		if *t.slot(&found), err = build(ctx, w, r, t); err != nil {
			return Binaries{}, err
		}
	}
	return found, nil
}

// assets returns the wanted binaries from KUBEBUILDER_ASSETS. Stock assets have no
// kube-controller-manager: that one is built if need be.
func assets(ctx context.Context, s settings, wanted []tool, w workshop.Workshop) (Binaries, error) {
	dir, err := filepath.Abs(s.assets)
	if err != nil {
		return Binaries{}, fmt.Errorf("find KUBEBUILDER_ASSETS %s: %w", s.assets, err)
	}
	var found Binaries
	for _, t := range wanted {
		path := filepath.Join(dir, t.name)
		if executable(path) {
			*t.slot(&found) = path
		} else if t.name != controllerManagerName {
			return Binaries{}, fmt.Errorf("KUBEBUILDER_ASSETS is %s, where there is no executable %s: put it there, or unset KUBEBUILDER_ASSETS to have all binaries built", s.assets, t.name)
		}
	}
	if found.Version, err = askVersion(ctx, found.APIServer); err != nil {
		return Binaries{}, err
	}
	if s.version != "" && s.version != found.Version {
		return Binaries{}, fmt.Errorf("KUBEBUILDER_ASSETS is %s, which holds Kubernetes %s, but version %s is asked for: unset KUBEBUILDER_ASSETS or KUBERNETES_VERSION", s.assets, found.Version, s.version)
	}
	for _, t := range wanted {
		if *t.slot(&found) != "" {
			continue
		}
		r, err := findRelease(sameMinor(found.Version))
		if err != nil {
			return Binaries{}, fmt.Errorf("KUBEBUILDER_ASSETS is %s, where there is no executable %s, and none can be built for Kubernetes %s (only for %s): put it there, or unset KUBEBUILDER_ASSETS to have all binaries built",
				s.assets, t.name, found.Version, strings.Join(versions(), ", "))
		}
		if *t.slot(&found), err = build(ctx, w, r, t); err != nil {
			return Binaries{}, err
		}
	}
	return found, nil
}

// build returns the path of a release's tool, and builds it if need be.
func build(ctx context.Context, w workshop.Workshop, r release, t tool) (string, error) {
	if t.name == controllerManagerName && r.controllerManager != "" {
		other, err := findRelease(r.controllerManager)
		if err != nil {
			return "", err
		}
		r = other
	}
	path, err := w.Build(ctx, r.Module, workshop.Program{Name: t.name, Module: t.module, Package: t.pkg, Takes: t.takes})
	if errors.Is(err, exec.ErrNotFound) {
		err = fmt.Errorf("%w, or set KUBEBUILDER_ASSETS to a directory that has the binaries", err)
	}
	return path, err
}

// askVersion runs kube-apiserver --version, which prints "Kubernetes v1.37.2".
func askVersion(ctx context.Context, apiServer string) (string, error) {
	out, err := exec.CommandContext(ctx, apiServer, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", apiServer, err)
	}
	version, ok := strings.CutPrefix(strings.TrimSpace(string(out)), "Kubernetes v")
	if !ok {
		return "", fmt.Errorf("ask %s for its version: it printed %q", apiServer, out)
	}
	return version, nil
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
