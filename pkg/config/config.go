// Package config reads gitonly's own kinds from files: the GitSources,
// GuardPolicies and Secrets that it otherwise reads from the cluster. A file
// is accepted if the API server would accept it, with kubectl's strict
// validation.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// Config is what the files of a directory hold. Defaults are filled in.
type Config struct {
	Sources  []v1alpha1.GitSource   // in the order read, with unique names
	Policies []v1alpha1.GuardPolicy // in the order read, with unique names
	Secrets  Secrets                // by name, then by key
}

// LoadDir is Load for a directory of the operating system.
func LoadDir(dir string) (Config, error) {
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return Config{}, fmt.Errorf("configuration directory %q does not exist", dir)
	case err != nil:
		return Config{}, fmt.Errorf("configuration directory: %w", err)
	case !info.IsDir():
		return Config{}, fmt.Errorf("configuration directory %q is not a directory", dir)
	}
	config, err := Load(os.DirFS(dir))
	if err != nil {
		return Config{}, fmt.Errorf("configuration directory %q:\n%w", dir, err)
	}
	return config, nil
}

// Load reads the .yaml, .yml and .json files at the root of fsys; folders, and
// files whose name starts with a dot, are left alone. The error names all
// problems, one a line, with file, line of the document, object and field.
// An empty directory is no error: see Warnings.
func Load(fsys fs.FS) (Config, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return Config{}, fmt.Errorf("reading the configuration: %w", err)
	}
	l := loader{config: Config{Secrets: Secrets{}}, read: map[string]string{}}
	for _, entry := range entries {
		if entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		var split func(string, []byte) ([]document, error)
		switch path.Ext(entry.Name()) {
		case ".yaml", ".yml":
			split = splitYAML
		case ".json":
			split = splitJSON
		default:
			continue
		}
		data, err := fs.ReadFile(fsys, entry.Name())
		if err != nil {
			l.problems = append(l.problems, fmt.Errorf("reading %s: %w", entry.Name(), err))
			continue
		}
		documents, err := split(entry.Name(), data)
		for _, d := range documents {
			l.add(d)
		}
		if err != nil {
			l.problems = append(l.problems, err)
		}
	}
	if len(l.problems) > 0 {
		return Config{}, errors.Join(l.problems...)
	}
	return l.config, nil
}

// Warnings returns what keeps the configuration from guarding anything, or
// from reaching a repository, as sentences for people.
func (c Config) Warnings() []string {
	var warnings []string
	if len(c.Policies) == 0 {
		warnings = append(warnings, "there is no GuardPolicy: nothing is guarded")
	}
	if len(c.Sources) == 0 {
		warnings = append(warnings, "there is no GitSource: nothing is declared in Git")
	}
	for _, source := range c.Sources {
		for _, name := range secretsOf(source) {
			if _, ok := c.Secrets[name]; !ok {
				warnings = append(warnings, fmt.Sprintf("GitSource %s names Secret %s, which is not in the directory", source.Name, name))
			}
		}
	}
	return warnings
}

// secretsOf are the names of the Secrets that a source needs.
func secretsOf(source v1alpha1.GitSource) []string {
	var names []string
	if git := source.Spec.Git; git != nil && git.SecretRef != nil {
		names = append(names, git.SecretRef.Name)
	}
	if git := source.Spec.Git; git != nil && git.Verify != nil {
		names = append(names, git.Verify.SecretRef.Name)
	}
	return names
}
