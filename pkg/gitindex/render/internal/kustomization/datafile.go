package kustomization

import (
	"path"
	"strings"
)

// DataFile splits an entry of a generator's files into the key it makes and
// the path it reads: "key=path", or "path" whose last part is the key.
func DataFile(entry string) (key, file string) {
	if key, file, named := strings.Cut(entry, "="); named {
		return key, file
	}
	return path.Base(entry), entry
}
