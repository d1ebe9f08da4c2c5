package backport

import (
	"fmt"
	"path"
	"strings"
)

// shared says what else has a file from outside of the location's own folder;
// empty if nothing has. What can't be rendered counts: nobody knows what it reads.
func (b *bringing) shared(file string) string {
	own := b.renderings[b.at].folder()
	if own == "." || strings.HasPrefix(file, own+"/") {
		return ""
	}
	for i := range b.renderings {
		other := &b.renderings[i]
		switch {
		case i == b.at:
		case other.err != nil:
			return fmt.Sprintf("to change it in %s may change path %s too, which can't be rendered", file, other.at.Path)
		case other.folder() != own && other.reads(file):
			return fmt.Sprintf("path %s has %s too", other.at.Path, file)
		}
	}
	return ""
}

// folder is where the location's own files are.
func (r *rendering) folder() string {
	if at := path.Clean(r.at.Path); path.Ext(at) != ".jsonnet" {
		return at
	}
	return path.Dir(path.Clean(r.at.Path))
}
