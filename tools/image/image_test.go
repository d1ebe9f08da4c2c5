package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// programs makes the folder of one platform, and what its programs are made of.
func programs(t *testing.T, dir string) string {
	t.Helper()
	for name, content := range map[string]string{"webhook": "the webhook", "kubectl-gitonly": "the plugin"} {
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(dir+".cdx.json", []byte(`{"bomFormat": "CycloneDX"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// built is the image in a layout of one tag.
func built(t *testing.T, output string) v1.ImageIndex {
	t.Helper()
	root, err := layout.ImageIndexFromPath(output)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := root.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 || manifest.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != "v0.3.1" {
		t.Fatalf("the layout has %+v; want one image, v0.3.1", manifest.Manifests)
	}
	index, err := root.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func TestTheImageHasTheProgramsAndWhatTheyAreMadeOf(t *testing.T) {
	dir := t.TempDir()
	amd64, arm64 := programs(t, filepath.Join(dir, "amd64")), programs(t, filepath.Join(dir, "arm64"))
	output := filepath.Join(dir, "layout")
	args := []string{"--output", output, "--version", "v0.3.1", "--revision", "4f2c1ab", "--created", "2026-11-28T08:00:00+01:00", "amd64=" + amd64, "arm64=" + arm64}
	if err := run(args); err != nil {
		t.Fatal(err)
	}
	index := built(t, output)
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	first, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, m := range manifest.Manifests {
		platforms = append(platforms, m.Platform.String()+" "+m.ArtifactType)
	}
	const config = "application/vnd.oci.image.config.v1+json"
	if want := []string{"linux/amd64 " + config, "linux/arm64 " + config, "unknown/unknown application/vnd.cyclonedx+json", "unknown/unknown application/vnd.cyclonedx+json"}; !slices.Equal(platforms, want) {
		t.Errorf("the image is for %q; want %q", platforms, want)
	}
	image, err := index.Image(manifest.Manifests[1].Digest)
	if err != nil {
		t.Fatal(err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if c := file.Config; file.Architecture != "arm64" || c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/webhook"}) ||
		c.Labels["org.opencontainers.image.version"] != "v0.3.1" || c.Labels["org.opencontainers.image.revision"] != "4f2c1ab" || c.Labels["org.opencontainers.image.created"] != "2026-11-28T07:00:00Z" {
		t.Errorf("the configuration is %+v", file)
	}
	wantFiles := `drwxr-xr-x etc
-rw-r--r-- etc/passwd "gitonly:x:65532:65532::/:/sbin/nologin\n"
dtrwxrwxrwx tmp
-rwxr-xr-x kubectl-gitonly "the plugin"
-rwxr-xr-x webhook "the webhook"
`
	if files := filesOf(t, image); files != wantFiles {
		t.Errorf("the files are\n%swant\n%s", files, wantFiles)
	}
	sbom, err := index.Image(manifest.Manifests[3].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := sbom.Manifest(); err != nil || m.Subject == nil || m.Subject.Digest != manifest.Manifests[1].Digest {
		t.Errorf("what it is made of refers to %+v (%v); want the image for arm64", m.Subject, err)
	}

	if err := run(args); err != nil {
		t.Fatal(err)
	}
	if second, err := built(t, output).Digest(); err != nil || second != first {
		t.Errorf("built again, the image is %s (%v); want the same, %s", second, err, first)
	}
}

// filesOf lists an image's files.
func filesOf(t *testing.T, image v1.Image) string {
	t.Helper()
	var b strings.Builder
	content := mutate.Extract(image)
	defer content.Close()
	for files := tar.NewReader(content); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s", header.FileInfo().Mode(), header.Name)
		if len(text) > 0 {
			fmt.Fprintf(&b, " %q", text)
		}
		b.WriteString("\n")
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	unknown := programs(t, filepath.Join(dir, "unknown"))
	if err := os.Remove(unknown + ".cdx.json"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ platform, want string }{
		{"amd64", `"amd64": must be ARCH=DIR`},
		{"amd64=" + empty, "making the image for amd64: " + empty + "/webhook: isn't there: the image starts it"},
		{"amd64=" + unknown, "adding what the image for amd64 is made of: open " + unknown + ".cdx.json: no such file or directory"},
	} {
		err := run([]string{"--output", filepath.Join(dir, "layout"), "--version", "v0.3.1", "--created", "2026-11-28T08:00:00Z", test.platform})
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v; want %s", test.platform, err, test.want)
		}
	}
}
