// Command image writes gitonly's container image as an OCI layout: for each
// platform the folder of its programs on an empty base, and beside it what it
// was built from.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "image: %v\n", err)
		os.Exit(1)
	}
}

// release is what the image says about itself.
type release struct {
	version, revision string
	created           time.Time
}

func run(args []string) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	output := flags.String("output", "", "folder that the OCI layout is written to, anew")
	version := flags.String("version", "", "version of gitonly, which is the image's tag")
	revision := flags.String("revision", "", "commit of the source")
	created := flags.String("created", "", "time of that commit, RFC 3339: the time of all files, so that a second build is the same")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *output == "" || *version == "" || flags.NArg() == 0 {
		return errors.New("usage: image --output DIR --version V [--revision R] --created T ARCH=DIR …: DIR has the programs, DIR.cdx.json what they're made of")
	}
	at, err := time.Parse(time.RFC3339, *created)
	if err != nil {
		return fmt.Errorf("--created=%s: %w", *created, err)
	}
	index, err := build(flags.Args(), release{version: *version, revision: *revision, created: at.UTC()})
	if err != nil {
		return err
	}
	digest, err := write(index, *output, *version)
	if err != nil {
		return err
	}
	fmt.Printf("%s: gitonly:%s, %s\n", *output, *version, digest)
	return nil
}

// build makes the image of all platforms, each given as ARCH=DIR.
func build(platforms []string, of release) (v1.ImageIndex, error) {
	var images, materials []mutate.IndexAddendum
	for _, platform := range platforms {
		arch, dir, ok := strings.Cut(platform, "=")
		if !ok {
			return nil, fmt.Errorf("%q: must be ARCH=DIR", platform)
		}
		image, err := platformImage(arch, dir, of)
		if err != nil {
			return nil, fmt.Errorf("making the image for %s: %w", arch, err)
		}
		sbom, err := sbomOf(image, dir+".cdx.json")
		if err != nil {
			return nil, fmt.Errorf("adding what the image for %s is made of: %w", arch, err)
		}
		images = append(images, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
		// Nobody runs on this platform, so that nobody pulls it as an image.
		materials = append(materials, mutate.IndexAddendum{Add: sbom, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}})
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	return mutate.AppendManifests(index, append(images, materials...)...), nil
}

// write replaces the layout in dir by one that has the index under this tag.
func write(index v1.ImageIndex, dir, tag string) (v1.Hash, error) {
	if err := os.RemoveAll(dir); err != nil {
		return v1.Hash{}, err
	}
	path, err := layout.Write(filepath.Clean(dir), empty.Index)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("writing the layout %s: %w", dir, err)
	}
	named := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": tag})
	if err := path.AppendIndex(index, named); err != nil {
		return v1.Hash{}, fmt.Errorf("writing the image to %s: %w", dir, err)
	}
	return index.Digest()
}
