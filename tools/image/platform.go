package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// user is the one that distroless images call nonroot.
	user     = "65532:65532"
	sbomType = types.MediaType("application/vnd.cyclonedx+json")
)

// platformImage has the programs in dir at its root, and nothing else but the
// user's name and a folder for what is temporary.
func platformImage(arch, dir string, of release) (v1.Image, error) {
	programs, err := filesIn(dir)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return layerOf(programs, of.created) }, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.Append(image, mutate.Addendum{
		Layer:   layer,
		History: v1.History{CreatedBy: "make image", Created: v1.Time{Time: of.created}},
	})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", arch
	config.Created = v1.Time{Time: of.created}
	config.Config = v1.Config{
		User:       user,
		Entrypoint: []string{"/webhook"},
		WorkingDir: "/",
		Labels: map[string]string{
			"org.opencontainers.image.title":       "gitonly",
			"org.opencontainers.image.description": "Kubernetes admission webhook that lets changes in only through Git",
			"org.opencontainers.image.licenses":    "Apache-2.0",
			"org.opencontainers.image.version":     of.version,
			"org.opencontainers.image.revision":    of.revision,
			"org.opencontainers.image.created":     of.created.Format(time.RFC3339),
		},
	}
	return mutate.ConfigFile(image, config)
}

// filesIn reads a folder without folders in it.
func filesIn(dir string) (map[string][]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, entry := range entries {
		if files[entry.Name()], err = os.ReadFile(filepath.Join(dir, entry.Name())); err != nil {
			return nil, err
		}
	}
	if files["webhook"] == nil {
		return nil, errors.New(filepath.Join(dir, "webhook") + ": isn't there: the image starts it")
	}
	return files, nil
}

// layerOf is the image's files as a tar, the same for the same input.
func layerOf(programs map[string][]byte, at time.Time) (io.ReadCloser, error) {
	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	add := func(header tar.Header, content []byte) error {
		header.ModTime, header.Size, header.Format = at, int64(len(content)), tar.FormatPAX
		if err := w.WriteHeader(&header); err != nil {
			return err
		}
		_, err := w.Write(content)
		return err
	}
	err := errors.Join(
		add(tar.Header{Name: "etc/", Typeflag: tar.TypeDir, Mode: 0o755}, nil),
		add(tar.Header{Name: "etc/passwd", Typeflag: tar.TypeReg, Mode: 0o644}, []byte("gitonly:x:65532:65532::/:/sbin/nologin\n")),
		add(tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777}, nil),
	)
	for _, name := range slices.Sorted(maps.Keys(programs)) {
		err = errors.Join(err, add(tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755}, programs[name]))
	}
	return io.NopCloser(&buffer), errors.Join(err, w.Close())
}

// sbomOf is the file as an artifact that refers to the image.
func sbomOf(image v1.Image, file string) (v1.Image, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	descriptor, err := partial.Descriptor(image)
	if err != nil {
		return nil, err
	}
	artifact := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), sbomType)
	artifact, err = mutate.Append(artifact, mutate.Addendum{
		Layer:       static.NewLayer(content, sbomType),
		Annotations: map[string]string{"org.opencontainers.image.title": "sbom.cdx.json"},
	})
	if err != nil {
		return nil, err
	}
	return mutate.Subject(artifact, *descriptor).(v1.Image), nil
}
