package controlplane

import (
	"bytes"
	"slices"
	"testing"
)

func TestFindRelease(t *testing.T) {
	for _, test := range []struct {
		version string
		want    string // the version found
		err     string
	}{
		{version: "1.37.2", want: "1.37.2"},
		{version: "v1.37.2", want: "1.37.2"},
		{version: "1.29.6", want: "1.29.6"},
		{version: "1.28.0", err: "no modules are pinned for Kubernetes 1.28.0: set KUBERNETES_VERSION to one of 1.29.6, 1.30.4, 1.37.2, or add it with e2e/controlplane/add-version.sh 1.28.0"},
		{version: "v1.37", err: "no modules are pinned for Kubernetes 1.37: set KUBERNETES_VERSION to one of 1.29.6, 1.30.4, 1.37.2, or add it with e2e/controlplane/add-version.sh 1.37"},
		{version: "latest", err: "no modules are pinned for Kubernetes latest: set KUBERNETES_VERSION to one of 1.29.6, 1.30.4, 1.37.2, or add it with e2e/controlplane/add-version.sh latest"},
	} {
		t.Run(test.version, func(t *testing.T) {
			found, err := findRelease(test.version)
			if got := message(err); got != test.err {
				t.Errorf("error is %q, want %q", got, test.err)
			}
			if found.version != test.want {
				t.Errorf("version is %q, want %q", found.version, test.want)
			}
		})
	}
}

// Every pinned version must have all that a build asks of it.
func TestReleasesAreComplete(t *testing.T) {
	if !slices.Contains(versions(), DefaultVersion) {
		t.Errorf("the default version %s isn't among %v", DefaultVersion, versions())
	}
	for _, version := range versions() {
		t.Run(version, func(t *testing.T) {
			r, err := findRelease(version)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := r.Required("k8s.io/kubernetes"); err != nil || got != "v"+version {
				t.Errorf("k8s.io/kubernetes is required at %q (error: %v), want v%s", got, err, version)
			}
			if r.controllerManager != "" {
				other, err := findRelease(r.controllerManager)
				if err != nil || other.controllerManager != "" {
					t.Errorf("controller manager %s comes from %q (error: %v), want a release that has one", r.controllerManager, other.controllerManager, err)
				}
			}
			for _, tool := range tools() {
				required, err := r.Required(tool.module)
				if err != nil {
					t.Error(err)
				}
				if sum := "\n" + tool.module + " " + required + " h1:"; !bytes.Contains(r.Sum, []byte(sum)) {
					t.Errorf("go.sum has no checksum of %s %s", tool.module, required)
				}
			}
		})
	}
}

func TestSameMinor(t *testing.T) {
	for version, want := range map[string]string{"1.37.0": "1.37.2", "1.30.4": "1.30.4", "1.36.2": "", "": ""} {
		if got := sameMinor(version); got != want {
			t.Errorf("sameMinor(%q) is %q, want %q", version, got, want)
		}
	}
}

func TestLinkerFlags(t *testing.T) {
	want := "-s -w" +
		" -X k8s.io/component-base/version.gitVersion=v1.37.2" +
		" -X k8s.io/component-base/version.gitMajor=1" +
		" -X k8s.io/component-base/version.gitMinor=37" +
		" -X k8s.io/client-go/pkg/version.gitVersion=v1.37.2" +
		" -X k8s.io/client-go/pkg/version.gitMajor=1" +
		" -X k8s.io/client-go/pkg/version.gitMinor=37"
	if got := linkerFlags("1.37.2"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// message is an error's text; empty for nil.
func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
