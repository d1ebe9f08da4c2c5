package chart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// unpack reads a gzipped tar file into memory. What is neither a file nor a
// folder, such as a link, is left out.
func unpack(p packed, most int64) (fs.FS, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(p.data))
	if err != nil {
		return nil, fmt.Errorf("it is no gzipped tar file: %w", err)
	}
	const mostFiles = 10_000
	files := map[string][]byte{}
	// The headers count, too: there may be many of nothing.
	reader := tar.NewReader(&bounded{unzipped, most, "what is in it"})
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("unpacking it: %w", err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		name := path.Clean(strings.ReplaceAll(header.Name, `\`, "/"))
		if !fs.ValidPath(name) || name == "." {
			return nil, fmt.Errorf("it has a file outside of its folder: %q", header.Name)
		}
		if p.chart {
			var below bool
			if _, name, below = strings.Cut(name, "/"); !below {
				return nil, fmt.Errorf("the chart has a file beside its folder: %q", header.Name)
			}
		}
		if files[name], err = io.ReadAll(reader); err != nil {
			return nil, fmt.Errorf("unpacking it: %w", err)
		}
		if len(files) > mostFiles {
			return nil, fmt.Errorf("it has more than %d files", mostFiles)
		}
	}
	if _, ok := files["Chart.yaml"]; p.chart && !ok {
		return nil, errors.New("it is no chart: there is no Chart.yaml in it")
	}
	return newTree(files), nil
}
