package controlplane

import (
	"embed"
	"fmt"
	"strings"

	"golang.org/x/mod/semver"

	"gitonly.dev/gitonly/e2e/workshop"
)

// DefaultVersion is the Kubernetes version that is used when neither the caller nor
// KUBERNETES_VERSION names one.
const DefaultVersion = "1.37.2"

//go:embed versions/*.mod versions/*.sum
var moduleFiles embed.FS

// release is a Kubernetes version that can be built.
type release struct {
	version string // without the leading v
	workshop.Module

	// controllerManager is the version whose kube-controller-manager serves this one, if not its own.
	controllerManager string
}

// findRelease returns the release of a version, written 1.37.2 or v1.37.2. Its error lists the
// versions there are, and says how to add one.
func findRelease(version string) (release, error) {
	version = strings.TrimPrefix(version, "v")
	mod, modErr := moduleFiles.ReadFile("versions/v" + version + ".mod")
	sum, sumErr := moduleFiles.ReadFile("versions/v" + version + ".sum")
	if modErr != nil || sumErr != nil {
		return release{}, fmt.Errorf("no modules are pinned for Kubernetes %s: set KUBERNETES_VERSION to one of %s, or add it with e2e/controlplane/add-version.sh %[1]s",
			version, strings.Join(versions(), ", "))
	}
	r := release{version: version, Module: workshop.Module{
		Name: "controlplane/" + version, Mod: mod, Sum: sum, LinkerFlags: linkerFlags(version),
	}}
	if version == "1.29.6" {
		// The module proxy hasn't all that its cloud providers and controller manager import: see
		// versions/v1.29.6.mod. It does without the former, and the next release's latter serves it.
		r.Tags = "providerless"
		r.controllerManager = "1.30.4"
	}
	return r, nil
}

// versions lists what findRelease finds, oldest first.
func versions() []string {
	entries, err := moduleFiles.ReadDir("versions")
	if err != nil {
		return nil
	}
	var found []string
	for _, entry := range entries {
		if version, ok := strings.CutSuffix(entry.Name(), ".mod"); ok {
			found = append(found, version)
		}
	}
	semver.Sort(found)
	for i := range found {
		found[i] = strings.TrimPrefix(found[i], "v")
	}
	return found
}

// sameMinor returns the newest version there is of the same minor release, or "".
func sameMinor(version string) string {
	match := ""
	for _, candidate := range versions() {
		if semver.MajorMinor("v"+candidate) == semver.MajorMinor("v"+version) {
			match = candidate
		}
	}
	return match
}

// linkerFlags stamps the version into the binaries, which otherwise call themselves v0.0.0 and
// make kubectl version end in an error.
func linkerFlags(version string) string {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	flags := []string{"-s", "-w"}
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		flags = append(flags,
			"-X "+pkg+".gitVersion=v"+version,
			"-X "+pkg+".gitMajor="+major,
			"-X "+pkg+".gitMinor="+minor)
	}
	return strings.Join(flags, " ")
}
