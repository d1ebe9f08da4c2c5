package gitindex

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var sameText = cmp.Comparer(func(a, b error) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.Error() == b.Error()
})

// savedState is a state that a cache has to give back as it is.
func savedState(name string, objects int) SourceState {
	at := Revision{Commit: "4f2c1ab0000000000000000000000000000000ff", Name: "main"}
	s := SourceState{
		Source: Source{Name: name, Repository: Repository{
			URL: "https://git.example.com/org/infra.git", Ref: Ref{Branch: "main"},
		}},
		Revision:  at,
		CheckedAt: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC),
		Locations: []LocationState{
			{Location: Location{Path: "apps", Namespace: "staging", Render: Plain}, Revision: at},
			{
				Location: Location{Path: "db", Render: Auto}, Err: errors.New("db/db.yaml:7: bad indentation"),
				Revision: Revision{Commit: "0000000000000000000000000000000000000001", Name: "main"},
			},
			{Location: Location{Path: "never"}, Err: errors.New("open never: file does not exist")},
		},
	}
	for i := range s.Locations[:2] {
		s.Locations[i].Objects = declaredObjects(s.Source, &s.Locations[i], objects)
	}
	for _, l := range s.Locations {
		s.Source.Locations = append(s.Source.Locations, l.Location)
	}
	return s
}

func declaredObjects(source Source, l *LocationState, n int) []Declared {
	random := rand.New(rand.NewPCG(1, 2))
	var objects []Declared
	for i := range n {
		name := fmt.Sprintf("app-%d", i)
		var b bytes.Buffer
		fmt.Fprintf(&b, `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":%q},"spec":{"containers":[`, name)
		for b.Len() < 1900 {
			fmt.Fprintf(&b, `{"name":"c%x","image":"registry.example.com/team/%x:%x","ports":[{"containerPort":%d,"protocol":"TCP"}]},`,
				random.Uint32(), random.Uint32(), random.Uint64(), random.IntN(1<<16))
		}
		b.WriteString(`{}]}}`)
		objects = append(objects, Declared{
			Key:        Key{Group: "apps", Kind: "Deployment", Namespace: l.Location.Namespace, Name: name},
			APIVersion: "apps/v1", Manifest: NewManifest(b.Bytes()), ScopeUnknown: i%2 == 0,
			Origin: Origin{
				Source: source.Name, URL: source.Repository.URL, Revision: l.Revision, Path: l.Location.Path,
				File: fmt.Sprintf("%s/%d.yaml", l.Location.Path, i), Line: 3,
				Fields: []FieldOrigin{{Path: "spec.replicas", File: "apps/patch.yaml", Line: 7}},
			},
		})
	}
	return objects
}

// newSavedCache returns a cache that has the state.
func newSavedCache(t testing.TB, state SourceState) *DiskCache {
	t.Helper()
	c := NewDiskCache(t.TempDir())
	if err := c.save(state); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestASavedSourceLoadsAsItWas(t *testing.T) {
	want := savedState("infra", 3)
	c := newSavedCache(t, want)
	got, found, err := c.load(want.Source)
	if err != nil || !found {
		t.Fatalf("load: %v, %v", found, err)
	}
	got.Source = want.Source
	if diff := cmp.Diff(want, got, sameText, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestInputsAreNotSaved(t *testing.T) {
	state := savedState("infra", 1)
	state.Locations[0].Inputs = Inputs{"read apps/web.yaml": "sha256:00"}
	got, _, err := newSavedCache(t, state).load(state.Source)
	if err != nil {
		t.Fatal(err)
	}
	if got.Locations[0].Inputs != nil {
		t.Error("a location would pass for rendered by this process")
	}
}

func TestTheTimeOfTheLastLookIsSavedByItself(t *testing.T) {
	state := savedState("infra", 1)
	c := newSavedCache(t, state)
	state.CheckedAt = state.CheckedAt.Add(time.Hour)
	if err := c.touch(state); err != nil {
		t.Fatal(err)
	}
	got, _, err := c.load(state.Source)
	if err != nil {
		t.Fatal(err)
	}
	if !got.CheckedAt.Equal(state.CheckedAt) {
		t.Errorf("checked at %s, not %s", got.CheckedAt, state.CheckedAt)
	}
}

func TestOnlyTheSameRepositoryAndRefIsLoaded(t *testing.T) {
	state := savedState("infra", 1)
	c := newSavedCache(t, state)
	for name, change := range map[string]func(*Source){
		"another name": func(s *Source) { s.Name = "other" },
		"another URL":  func(s *Source) { s.Repository.URL = "https://git.example.com/org/other.git" },
		"another ref":  func(s *Source) { s.Repository.Ref = Ref{Tag: "main"} },
	} {
		source := state.Source
		change(&source)
		if _, found, err := c.load(source); found || err != nil {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
	source := state.Source
	source.Repository.Secret.Name = "renewed"
	source.Repository.URL = "https://robot:s3cret@git.example.com/org/infra.git"
	source.Interval = time.Hour
	if _, found, err := c.load(source); !found || err != nil {
		t.Errorf("other credentials and interval: %v, %v", found, err)
	}
}

func TestADamagedFileIsAnErrorAndNothingElse(t *testing.T) {
	state := savedState("infra", 2)
	c := newSavedCache(t, state)
	good, err := os.ReadFile(c.path("infra"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := decodeState(bytes.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	load := func(t *testing.T, data []byte) error {
		t.Helper()
		if err := os.WriteFile(c.path("infra"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := c.load(state.Source)
		return err
	}

	const step = 11
	t.Run("truncated anywhere", func(t *testing.T) {
		for n := 0; n < len(good); n += step {
			if _, err := decodeState(bytes.NewReader(good[:n])); err == nil {
				t.Fatalf("no error with %d of %d bytes", n, len(good))
			}
		}
	})
	t.Run("with any byte changed", func(t *testing.T) {
		for i := 0; i < len(good); i += step {
			data := bytes.Clone(good)
			data[i] ^= 0x10
			got, err := decodeState(bytes.NewReader(data))
			if err == nil && !cmp.Equal(want, got, sameText) {
				t.Fatalf("a change of byte %d changed the objects", i)
			}
		}
	})
	t.Run("with more at the end", func(t *testing.T) {
		if err := load(t, append(bytes.Clone(good), "more"...)); err == nil {
			t.Error("no error")
		}
	})
	t.Run("of another version", func(t *testing.T) {
		data := bytes.Replace(good, []byte(diskFormat), []byte("gitonly index 0"), 1)
		err := load(t, data)
		want := `reading ` + c.path("infra") + `: the format is "gitonly index 0", not "gitonly index 3"`
		if err == nil || err.Error() != want {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("that can't be read", func(t *testing.T) {
		if err := errors.Join(os.Remove(c.path("infra")), os.Mkdir(c.path("infra"), 0o700)); err != nil {
			t.Fatal(err)
		}
		if _, found, err := c.load(state.Source); found || err == nil {
			t.Errorf("load: %v, %v", found, err)
		}
	})
}

func TestAFailedWriteLeavesNothingBehind(t *testing.T) {
	state := savedState("infra", 1)
	c := NewDiskCache(t.TempDir())
	if err := os.Mkdir(c.path("infra"), 0o700); err != nil {
		t.Fatal(err)
	}
	err := c.save(state)
	if err == nil || strings.Contains(err.Error(), "new-") {
		t.Errorf("error is %v", err)
	}
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("the directory holds %v", entries)
	}
}

// fullDisk takes so many bytes.
type fullDisk int

func (d *fullDisk) Write(p []byte) (int, error) {
	if *d -= fullDisk(len(p)); *d < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(p), nil
}

func TestAFullDiskIsAnErrorWhereverItFillsUp(t *testing.T) {
	state := savedState("infra", 5)
	var whole bytes.Buffer
	if err := encodeState(&whole, state); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < whole.Len(); n += 101 {
		disk := fullDisk(n)
		if err := encodeState(&disk, state); err == nil {
			t.Fatalf("no error with room for %d of %d bytes", n, whole.Len())
		}
	}
}

func TestADirectoryThatOthersCanReadIsClosed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "open")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := NewDiskCache(dir).save(savedState("infra", 1)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("its mode is %s", info.Mode())
	}
}

func TestNoTwoSourcesShareAFile(t *testing.T) {
	c := NewDiskCache("/cache")
	long := strings.Repeat("x", 300)
	seen := map[string]string{}
	for _, name := range []string{"", ".", "..", "a/b", "a-b", "a b", "A-B", "../a-b", "ä", "ö", "a\x00b", long, long + "y"} {
		path := c.path(name)
		lower := strings.ToLower(path) // some file systems are so
		if other, ok := seen[lower]; ok {
			t.Errorf("%q and %q share %s", name, other, path)
		}
		seen[lower] = name
		if filepath.Dir(path) != "/cache" || len(filepath.Base(path)) > 100 {
			t.Errorf("the file of %q is %s", name, path)
		}
	}
}

func TestCredentialsAreNotSaved(t *testing.T) {
	state := savedState("infra", 1)
	state.Source.Repository.URL = "https://robot:s3cret@git.example.com/org/infra.git"
	c := newSavedCache(t, state)
	f, err := os.Open(c.path("infra"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("s3cret")) {
		t.Error("the password is in the file")
	}
}

// The benchmarks' sources have 10,000 objects of 2 KB each.

func BenchmarkDiskCacheSave(b *testing.B) {
	state := savedState("infra", 5000)
	c := newSavedCache(b, state)
	for b.Loop() {
		if err := c.save(state); err != nil {
			b.Fatal(err)
		}
	}
	if info, err := os.Stat(c.path("infra")); err == nil {
		b.ReportMetric(float64(info.Size())/1e6, "MB/file")
	}
}

func BenchmarkDiskCacheLoad(b *testing.B) {
	state := savedState("infra", 5000)
	c := newSavedCache(b, state)
	for b.Loop() {
		if _, found, err := c.load(state.Source); !found || err != nil {
			b.Fatal(found, err)
		}
	}
}

func TestDecryptedValuesAreNotSaved(t *testing.T) {
	state := savedState("infra", 1)
	d := &state.Locations[0].Objects[0]
	d.Manifest, d.Sealed = NewManifest([]byte(`{"spec":"hunter2"}`)), []byte(`{"sops":{},"spec":"ENC[]"}`)
	d.Hidden, d.Generated, d.Undecrypted = []string{"spec"}, "settings", "no key"
	cache := newSavedCache(t, state)
	loaded, found, err := cache.load(state.Source)
	if err != nil || !found {
		t.Fatal(found, err)
	}
	got := loaded.Locations[0].Objects[0]
	if string(got.Manifest.JSON()) != string(d.Sealed) || got.Generated != d.Generated || got.Undecrypted != d.Undecrypted {
		t.Errorf("got %s, generated %q, undecrypted %q", got.Manifest.JSON(), got.Generated, got.Undecrypted)
	}
}
