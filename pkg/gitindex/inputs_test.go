package gitindex_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func inputsTree() fstest.MapFS {
	return fstest.MapFS{
		"apps/web.yaml":      {Data: []byte("web")},
		"apps/db.yaml":       {Data: []byte("db")},
		"apps/deep/one.yaml": {Data: []byte("one")},
		"notes.txt":          {Data: []byte("notes")},
	}
}

func TestInputsAreUnchangedUntilSomethingSeenIsDifferent(t *testing.T) {
	read := func(name string) func(fs.FS) { return func(f fs.FS) { _, _ = fs.ReadFile(f, name) } }
	list := func(name string) func(fs.FS) { return func(f fs.FS) { _, _ = fs.ReadDir(f, name) } }
	stat := func(name string) func(fs.FS) { return func(f fs.FS) { _, _ = fs.Stat(f, name) } }
	open := func(name string) func(fs.FS) {
		return func(f fs.FS) {
			if file, err := f.Open(name); err == nil {
				_ = file.Close()
			}
		}
	}
	set := func(name, text string) func(fstest.MapFS) {
		return func(f fstest.MapFS) { f[name] = &fstest.MapFile{Data: []byte(text)} }
	}
	remove := func(name string) func(fstest.MapFS) { return func(f fstest.MapFS) { delete(f, name) } }
	for name, test := range map[string]struct {
		look      func(fs.FS)
		change    func(fstest.MapFS)
		unchanged bool
	}{
		"nothing at all changes":                       {read("apps/web.yaml"), func(fstest.MapFS) {}, true},
		"a file that was read changes":                 {read("apps/web.yaml"), set("apps/web.yaml", "new"), false},
		"a file that was opened changes":               {open("apps/web.yaml"), set("apps/web.yaml", "new"), false},
		"a file that was read goes away":               {read("apps/web.yaml"), remove("apps/web.yaml"), false},
		"a file that was read becomes a folder":        {read("notes.txt"), func(f fstest.MapFS) { delete(f, "notes.txt"); set("notes.txt/x", "")(f) }, false},
		"another file changes":                         {read("apps/web.yaml"), set("apps/db.yaml", "new"), true},
		"the time of a file changes":                   {read("apps/web.yaml"), func(f fstest.MapFS) { f["apps/web.yaml"].ModTime = time.Unix(1, 0) }, true},
		"a file that was missed appears":               {read("apps/new.yaml"), set("apps/new.yaml", ""), false},
		"a file that was missed is still missing":      {read("apps/new.yaml"), set("apps/other.yaml", ""), true},
		"a file that was only asked for changes":       {stat("apps/web.yaml"), set("apps/web.yaml", "new"), true},
		"a file that was only asked for goes away":     {stat("apps/web.yaml"), remove("apps/web.yaml"), false},
		"a file that was asked for in vain appears":    {stat("apps/new.yaml"), set("apps/new.yaml", ""), false},
		"a file that was opened in vain appears":       {open("apps/new.yaml"), set("apps/new.yaml", ""), false},
		"a file appears in a listed folder":            {list("apps"), set("apps/new.yaml", ""), false},
		"a file appears in a folder that was opened":   {open("apps"), set("apps/new.yaml", ""), false},
		"a file goes away from a listed folder":        {list("apps"), remove("apps/db.yaml"), false},
		"a file in a listed folder changes":            {list("apps"), set("apps/web.yaml", "new"), true},
		"a file deep below a listed folder appears":    {list("apps"), set("apps/deep/two.yaml", ""), true},
		"a file deep below a listed folder changes":    {list("apps"), set("apps/deep/one.yaml", "new"), true},
		"an entry of a listed folder becomes a folder": {list("."), func(f fstest.MapFS) { delete(f, "notes.txt"); set("notes.txt/x", "")(f) }, false},
		"a folder that was listed in vain appears":     {list("config"), set("config/x", ""), false},
		"a folder that was read in error is still one": {read("apps"), set("apps/web.yaml", "new"), true},
		"a folder that was read in error becomes a file": {read("apps/deep"), func(f fstest.MapFS) {
			delete(f, "apps/deep/one.yaml")
			set("apps/deep", "")(f)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			recorder := gitindex.NewRecorder(inputsTree())
			test.look(recorder)
			later := inputsTree()
			test.change(later)
			for _, inputs := range []gitindex.Inputs{recorder.Inputs(), throughJSON(t, recorder.Inputs())} {
				if got := inputs.Unchanged(later); got != test.unchanged {
					t.Errorf("Unchanged is %t, want %t; the inputs are %v", got, test.unchanged, inputs)
				}
			}
		})
	}
}

func throughJSON(t *testing.T, inputs gitindex.Inputs) gitindex.Inputs {
	t.Helper()
	text, err := json.Marshal(inputs)
	if err != nil {
		t.Fatal(err)
	}
	var read gitindex.Inputs
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(inputs, read) {
		t.Errorf("%v became %v", inputs, read)
	}
	return read
}

func TestNilInputsAreOfNoRendering(t *testing.T) {
	if (gitindex.Inputs)(nil).Unchanged(inputsTree()) {
		t.Error("nil inputs are unchanged")
	}
	if !(gitindex.Inputs{}).Unchanged(inputsTree()) {
		t.Error("inputs of a rendering that looked at nothing are changed")
	}
}

func TestInputsWithAnUnknownLookAreChanged(t *testing.T) {
	for _, key := range []string{"", "read", "smell apps/web.yaml"} {
		if (gitindex.Inputs{key: "sha256:00"}).Unchanged(inputsTree()) {
			t.Errorf("%q is unchanged", key)
		}
	}
}

// hashed is a tree whose files have hashes and can't be read.
type hashed struct{ fs.FS }

func (h hashed) Stat(name string) (fs.FileInfo, error) { return fs.Stat(h.FS, name) }

func (h hashed) ReadFile(string) ([]byte, error) { return nil, errors.New("the file was read") }

func TestFilesWithAHashAreNotReadAgain(t *testing.T) {
	files := fstest.MapFS{"a": {Data: []byte("a"), Sys: "0c5f"}}
	recorder := gitindex.NewRecorder(files)
	if _, err := fs.ReadFile(recorder, "a"); err != nil {
		t.Fatal(err)
	}
	if got := recorder.Inputs()["read a"]; got != "git:0c5f" {
		t.Errorf("the fingerprint is %s", got)
	}
	if !recorder.Inputs().Unchanged(hashed{files}) {
		t.Error("changed by the same hash")
	}
	files["a"].Sys = "beef"
	if recorder.Inputs().Unchanged(hashed{files}) {
		t.Error("unchanged by another hash")
	}
}

func TestErrorsAreInputsToo(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	recorder := gitindex.NewRecorder(root.FS())
	if _, err := fs.ReadFile(recorder, "out"); err == nil {
		t.Fatal("the link was followed out of the tree")
	}
	inputs := recorder.Inputs()
	if !inputs.Unchanged(root.FS()) {
		t.Errorf("the same error is a change: %v", inputs)
	}
	if err := os.Remove(filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "out"), []byte("in"), 0o600); err != nil {
		t.Fatal(err)
	}
	if inputs.Unchanged(root.FS()) {
		t.Errorf("a file instead of the error is no change: %v", inputs)
	}
}

func TestLinksAreInputsByWhatTheySay(t *testing.T) {
	dir := t.TempDir()
	link := func(target string) {
		t.Helper()
		_ = os.Remove(filepath.Join(dir, "current"))
		if err := os.Symlink(target, filepath.Join(dir, "current")); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"v1", "v2"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("the same"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link("v1")
	tree := os.DirFS(dir)
	reader, looker := gitindex.NewRecorder(tree), gitindex.NewRecorder(tree)
	if _, err := fs.ReadFile(reader, "current"); err != nil {
		t.Fatal(err)
	}
	if info, err := fs.Lstat(looker, "current"); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Fatal(info, err)
	}
	link("v2")
	if !reader.Inputs().Unchanged(tree) {
		t.Error("the content is the same, but it counts as changed")
	}
	if looker.Inputs().Unchanged(tree) {
		t.Error("the link says something else, but it counts as unchanged")
	}
	plain := gitindex.NewRecorder(tree)
	if _, err := fs.Lstat(plain, "v1"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "v1")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("v2", filepath.Join(dir, "v1")); err != nil {
		t.Fatal(err)
	}
	if plain.Inputs().Unchanged(tree) {
		t.Error("a link instead of a file counts as unchanged")
	}
}

func TestARecorderIsAFileSystem(t *testing.T) {
	if err := fstest.TestFS(gitindex.NewRecorder(inputsTree()), "apps/web.yaml", "apps/deep/one.yaml", "notes.txt"); err != nil {
		t.Error(err)
	}
}
