package backport_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/backport"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render"
	"gitonly.dev/gitonly/pkg/policy/fields"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

var update = flag.Bool("update", false, "write what comes out into the archives")

func TestMain(m *testing.M) {
	if code, served := render.ServeChild(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); served {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// TestBackport plays the archives in testdata. Each has a work tree in tree/,
// what was changed by hand in change.yaml, a strategic merge patch, and what
// comes of it in patch.want and report.want. Its comment says more:
//
//	object: KIND.GROUP NAMESPACE/NAME
//	paths: those that are rendered, in the namespace of the object
//	ignored: a field that a policy leaves to somebody
//	changed: the fields that the emergency's record names; without it, there is none
func TestBackport(t *testing.T) {
	types, err := builtin.Types()
	if err != nil {
		t.Fatal(err)
	}
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal(archives, err)
	}
	for _, file := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := newStory(t, archive, types)
			result := s.backport(t)
			patch := s.applied(t, result)
			s.expect(t, "patch.want", patch)
			s.expect(t, "report.want", report(result))
			if again := s.backport(t); len(again.Placed) > 0 || len(again.Left) != len(result.Left) {
				t.Errorf("where the patch is applied, there is still something to do: %s", report(again))
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// story is an archive that is being played.
type story struct {
	archive *txtar.Archive
	types   *fields.Types
	dir     string
	key     gitindex.Key
	source  gitindex.Source
	changed []string
	ignored []fields.Ignore
	live    []byte
	version string
}

func newStory(t *testing.T, archive *txtar.Archive, types *fields.Types) *story {
	s := &story{archive: archive, types: types, dir: t.TempDir(), source: gitindex.Source{Name: "infra"}}
	for line := range strings.Lines(string(archive.Comment)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch word {
		case "object":
			kind, name, _ := strings.Cut(rest, " ")
			s.key.Kind, s.key.Group, _ = strings.Cut(kind, ".")
			s.key.Namespace, s.key.Name, _ = strings.Cut(name, "/")
		case "paths":
			for _, path := range strings.Fields(rest) {
				s.source.Locations = append(s.source.Locations, location(path))
			}
		case "ignored":
			pattern, err := fields.ParsePattern(rest)
			if err != nil {
				t.Fatal(err)
			}
			s.ignored = append(s.ignored, pattern)
		case "changed":
			s.changed = strings.Fields(rest)
		}
	}
	for i := range s.source.Locations {
		s.source.Locations[i].Namespace = s.key.Namespace
	}
	for _, file := range archive.Files {
		if name, ok := strings.CutPrefix(file.Name, "tree/"); ok {
			s.write(t, name, file.Data)
		}
	}
	s.git(t, "", "init", "--quiet")
	s.git(t, "", "add", ".")
	checkout := s.read(t)
	declared := checkout.Declared(s.key)
	if declared == nil {
		t.Fatalf("nothing declares %s: %v", s.key, checkout.Faults())
	}
	s.change(t, declared)
	return s
}

func (s *story) file(name string) []byte {
	for _, file := range s.archive.Files {
		if file.Name == name {
			return file.Data
		}
	}
	return nil
}

func (s *story) write(t *testing.T, name string, data []byte) {
	file := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if target, ok := bytes.CutPrefix(data, []byte("<LINK>")); ok {
		if err := os.Symlink(strings.TrimSpace(string(target)), file); err != nil {
			t.Fatal(err)
		}
		return
	}
	data = bytes.ReplaceAll(data, []byte("<CR>\n"), []byte("\r\n"))
	if cut, ok := bytes.CutSuffix(data, []byte("<NO END>\n")); ok {
		data = cut
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *story) git(t *testing.T, stdin string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", args...)
	command.Dir, command.Stdin = s.dir, strings.NewReader(stdin)
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v: %s\n%s", args, err, out, stdin)
	}
}

func (s *story) read(t *testing.T) *backport.Checkout {
	checkout, err := backport.Read(t.Context(), render.New(render.Options{Child: render.OwnChild()}), os.DirFS(s.dir), []gitindex.Source{s.source})
	if err != nil {
		t.Fatal(err)
	}
	return checkout
}

// change makes the live object.
func (s *story) change(t *testing.T, declared *gitindex.Declared) {
	change, err := yaml.YAMLToJSON(s.file("change.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	gvk := kschema.FromAPIVersionAndKind(declared.APIVersion, declared.Key.Kind)
	s.version = gvk.Version
	typed, err := scheme.Scheme.New(gvk)
	if err != nil {
		t.Fatal(err)
	}
	if s.live, err = strategicpatch.StrategicMergePatch(declared.Manifest.JSON(), change, typed); err != nil {
		t.Fatal(err)
	}
}

func (s *story) backport(t *testing.T) backport.Result {
	result, err := s.read(t).Backport(t.Context(), s.types, backport.Object{Key: s.key, Version: s.version, JSON: s.live, Changed: s.changed, Ignored: s.ignored})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// applied applies the patch with git, and returns it.
func (s *story) applied(t *testing.T, result backport.Result) string {
	var patch bytes.Buffer
	if err := backport.WritePatch(&patch, os.DirFS(s.dir), result.Edits); err != nil {
		t.Fatal(err)
	}
	if patch.Len() > 0 {
		s.git(t, patch.String(), "apply", "--index", "-")
	}
	for name, edit := range result.Edits {
		is, err := os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(name)))
		if err != nil || !bytes.Equal(is, edit.After) {
			t.Errorf("git apply makes %s\n%s, %v", name, is, err)
		}
	}
	return strings.ReplaceAll(patch.String(), "\r\n", "<CR>\n")
}

func (s *story) expect(t *testing.T, name, got string) {
	for i, file := range s.archive.Files {
		if file.Name == name {
			if diff := cmp.Diff(string(file.Data), got); diff != "" && !*update {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			s.archive.Files[i].Data = []byte(got)
			return
		}
	}
	t.Fatalf("the archive has no %s", name)
}

func report(r backport.Result) string {
	var b strings.Builder
	for _, p := range r.Placed {
		fmt.Fprintf(&b, "placed %s in %s\n", p.Path, p.File)
	}
	for _, l := range r.Left {
		fmt.Fprintf(&b, "left %s: Git says %s, the cluster %s (%s:%d): %s\n", l.Path, text(l.Git), text(l.New), l.File, l.Line, l.Why)
	}
	for _, d := range r.Alone {
		fmt.Fprintf(&b, "alone %s\n", d.Path)
	}
	return b.String()
}

func text(v fields.Value) string {
	switch {
	case v.Hidden:
		return "something hidden"
	case !v.Present:
		return "nothing"
	}
	return v.Text
}

func location(path string) gitindex.Location {
	if filepath.Ext(path) == ".jsonnet" {
		return gitindex.Location{Path: path, Render: gitindex.Jsonnet}
	}
	return gitindex.Location{Path: path}
}
