package workshop

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFetchOnce(t *testing.T) {
	w, dir := fakeWorkshop(t, `
echo "$@" >>CALLS
printf '{"Dir": "%s"}' "$(dirname CALLS)/module"`)
	writeFile(t, filepath.Join(dir, "module", "manifests", "one.yaml"), "kind: One\n", 0o444)
	writeFile(t, filepath.Join(dir, "module", "other", "two.yaml"), "kind: Two\n", 0o444)

	for range 2 {
		folder, err := w.Fetch(t.Context(), printing, "example.com/print", "manifests")
		if err != nil {
			t.Fatal(err)
		}
		file, err := w.Fetch(t.Context(), printing, "example.com/print", "other/two.yaml")
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]string{filepath.Join(folder, "one.yaml"): "kind: One\n", file: "kind: Two\n"} {
			if text, err := os.ReadFile(path); err != nil || string(text) != want {
				t.Errorf("%s holds %q (error: %v), want %q", path, text, err, want)
			}
		}
	}
	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "mod download -json example.com/print\nmod download -json example.com/print\n"; string(calls) != want {
		t.Errorf("the go command was called with\n%s\nwant, once for each,\n%s", calls, want)
	}
}

func TestFetchErrors(t *testing.T) {
	w, dir := fakeWorkshop(t, `printf '{"Dir": "%s"}' "$(dirname CALLS)/module"`)
	_, err := w.Fetch(t.Context(), printing, "example.com/print", "manifests")
	want := "fetch manifests of example.com/print v1.2.3: lstat " + filepath.Join(dir, "module", "manifests") + ": no such file or directory"
	if message(err) != want {
		t.Errorf("error is %q, want %q", message(err), want)
	}
}
