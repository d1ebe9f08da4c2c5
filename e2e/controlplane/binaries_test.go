package controlplane

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gitonly.dev/gitonly/e2e/workshop"
)

func TestSettings(t *testing.T) {
	for name, test := range map[string]struct {
		env     map[string]string
		version string
		want    settings
	}{
		"nothing is set":         {},
		"the environment's":      {env: map[string]string{"KUBERNETES_VERSION": "1.29.6"}, want: settings{version: "1.29.6"}},
		"a leading v is dropped": {env: map[string]string{"KUBERNETES_VERSION": "v1.29.6"}, want: settings{version: "1.29.6"}},
		"the caller's first":     {env: map[string]string{"KUBERNETES_VERSION": "1.29.6"}, version: "1.37.2", want: settings{version: "1.37.2"}},
		"directories": {
			env:  map[string]string{"KUBEBUILDER_ASSETS": "/assets", "GITONLY_CACHE": "/cache"},
			want: settings{assets: "/assets", cache: "/cache"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			getenv := func(key string) string { return test.env[key] }
			if got := settingsFrom(getenv, test.version); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// TestFind covers what never builds: assets, a full cache, and refusals.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	assets := func(name, version string, files ...string) string {
		for _, file := range files {
			mode := fs.FileMode(0o755)
			if base, ok := strings.CutSuffix(file, " (not executable)"); ok {
				file, mode = base, 0o644
			}
			writeFile(t, filepath.Join(dir, name, file), "#!/bin/sh\necho Kubernetes v"+version+"\n", mode)
		}
		return filepath.Join(dir, name)
	}
	full := assets("full", "1.36.1", "etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
	stock := assets("stock", "1.37.0", "etcd", "kube-apiserver", "kubectl")
	foreign := assets("foreign", "1.36.1", "etcd", "kube-apiserver", "kubectl")
	partial := assets("partial", "1.37.2", "etcd (not executable)", "kube-apiserver", "kubectl")

	cache := filepath.Join(dir, "cache")
	r, err := findRelease("1.37.2")
	if err != nil {
		t.Fatal(err)
	}
	cached, err := workshop.Workshop{Cache: cache}.Dir(r.Module)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range tools() {
		writeFile(t, filepath.Join(cached, tool.name), "", 0o755)
	}

	for name, test := range map[string]struct {
		settings settings
		want     Binaries
		err      string
	}{
		"cached, by default": {
			settings: settings{cache: cache},
			want:     in(cached, cached, "1.37.2"),
		},
		"an unknown version": {
			settings: settings{cache: cache, version: "1.2.3"},
			err:      "no modules are pinned for Kubernetes 1.2.3: set KUBERNETES_VERSION to one of 1.29.6, 1.30.4, 1.37.2, or add it with e2e/controlplane/add-version.sh 1.2.3",
		},
		"assets of any version": {
			settings: settings{cache: cache, assets: full},
			want:     in(full, full, "1.36.1"),
		},
		"assets of the version asked for": {
			settings: settings{cache: cache, assets: full, version: "1.36.1"},
			want:     in(full, full, "1.36.1"),
		},
		"assets of another version": {
			settings: settings{cache: cache, assets: full, version: "1.37.2"},
			err:      "KUBEBUILDER_ASSETS is " + full + ", which holds Kubernetes 1.36.1, but version 1.37.2 is asked for: unset KUBEBUILDER_ASSETS or KUBERNETES_VERSION",
		},
		"assets and a controller manager of the same minor release": {
			settings: settings{cache: cache, assets: stock},
			want:     in(stock, cached, "1.37.0"),
		},
		"assets and no controller manager for them": {
			settings: settings{cache: cache, assets: foreign},
			err:      "KUBEBUILDER_ASSETS is " + foreign + ", where there is no executable kube-controller-manager, and none can be built for Kubernetes 1.36.1 (only for 1.29.6, 1.30.4, 1.37.2): put it there, or unset KUBEBUILDER_ASSETS to have all binaries built",
		},
		"assets that aren't executable": {
			settings: settings{cache: cache, assets: partial},
			err:      "KUBEBUILDER_ASSETS is " + partial + ", where there is no executable etcd: put it there, or unset KUBEBUILDER_ASSETS to have all binaries built",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var progress bytes.Buffer
			got, err := find(t.Context(), test.settings, tools(), &progress)
			if text := message(err); text != test.err {
				t.Errorf("error is\n%s\nwant\n%s", text, test.err)
			}
			if got != test.want {
				t.Errorf("got\n%+v\nwant\n%+v", got, test.want)
			}
			if progress.Len() > 0 {
				t.Errorf("nothing is to be built, but progress says %q", progress.String())
			}
		})
	}
}

// in returns binaries in dir, with a controller manager from another place.
func in(dir, controllerManager, version string) Binaries {
	return Binaries{
		Version:           version,
		Etcd:              filepath.Join(dir, "etcd"),
		APIServer:         filepath.Join(dir, "kube-apiserver"),
		ControllerManager: filepath.Join(controllerManager, "kube-controller-manager"),
		Kubectl:           filepath.Join(dir, "kubectl"),
	}
}

func writeFile(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
