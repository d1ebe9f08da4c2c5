package render

import (
	"io/fs"
	"reflect"
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// Values of Secrets may be in them.
func TestOfAChartsObjectsNothingIsKept(t *testing.T) {
	objects := map[string][]byte{"object-00000.yaml": []byte(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"stringData":{"password":"secret"}}`)}
	for name, test := range map[string]struct {
		objects map[string][]byte
		kept    bool
	}{
		"a chart's objects": {objects, false},
		"files of the same": {nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			var m memory
			w := &kustomizeWork{Dir: ".", Overlay: &gitindex.KustomizeBuild{NamePrefix: "a-"}, MaxObjects: 10, Objects: test.objects}
			if made := w.do(listed{objects}, &m); made.Fault != nil || len(made.Objects) != 1 {
				t.Fatalf("%d objects, fault %v", len(made.Objects), made.Fault)
			}
			if kept := !reflect.DeepEqual(m.files, manifest.Cache{}); kept != test.kept {
				t.Errorf("kept: %t", kept)
			}
		})
	}
}

// listed is a folder whose files can be listed.
type listed struct{ folder }

func (l listed) ReadDir(string) ([]fs.DirEntry, error) {
	var all []fs.DirEntry
	for name := range l.folder {
		all = append(all, fs.FileInfoToDirEntry(folderInfo{name: name}))
	}
	return all, nil
}
