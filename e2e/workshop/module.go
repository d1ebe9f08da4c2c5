package workshop

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"go/version"

	"golang.org/x/mod/modfile"
)

// Module pins what programs are built of.
type Module struct {
	// Name is the module's folder in the cache, such as agents/argocd-3.5.7, and what errors call it.
	Name string

	Mod, Sum    []byte            // the text of go.mod and go.sum
	Sources     map[string][]byte // the module's own Go files by path, if a program is among them
	Tags        string            // build tags, separated by commas
	LinkerFlags string
}

// Program is a program of a Module.
type Program struct {
	Name    string // of the file
	Module  string // whose version is the program's: it must be among those that go.mod requires
	Package string // or a file among the module's Sources, such as ./printer/main.go
	Takes   string // to build, with nothing cached, on two cores; for people to read
}

// Required returns the version, with its leading v, at which go.mod requires a module.
func (m Module) Required(module string) (string, error) {
	file, err := modfile.ParseLax("go.mod", m.Mod, nil)
	if err != nil {
		return "", fmt.Errorf("read the modules pinned for %s: %w", m.Name, err)
	}
	for _, require := range file.Require {
		if require.Mod.Path == module {
			return require.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("read the modules pinned for %s: %s is not among them", m.Name, module)
}

// Dir is the cache's folder for a module. Its name changes with all that the programs depend on.
func (w Workshop) Dir(m Module) (string, error) {
	cache := w.Cache
	if cache == "" {
		cache = os.Getenv("GITONLY_CACHE")
	}
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find the cache for %s: %w; GITONLY_CACHE can name one", m.Name, err)
		}
		cache = filepath.Join(user, "gitonly")
	}
	cache, err := filepath.Abs(cache)
	if err != nil {
		return "", fmt.Errorf("find the cache for %s: %w", m.Name, err)
	}
	recipe := sha256.New()
	for _, part := range [][]byte{m.Mod, m.Sum, []byte(m.Tags), []byte(m.LinkerFlags)} {
		fmt.Fprintf(recipe, "%d %s", len(part), part)
	}
	for _, path := range slices.Sorted(maps.Keys(m.Sources)) {
		fmt.Fprintf(recipe, "%d %s%d %s", len(path), path, len(m.Sources[path]), m.Sources[path])
	}
	name := fmt.Sprintf("%s-%s-%s-%s-%x", m.Name, runtime.GOOS, runtime.GOARCH, version.Lang(runtime.Version()), recipe.Sum(nil)[:4])
	return filepath.Join(cache, filepath.FromSlash(name)), nil
}
