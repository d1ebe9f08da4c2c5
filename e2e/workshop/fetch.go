package workshop

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Fetch returns the path of a copy, in the cache, of a file or folder of a module that m requires:
// the manifests that come with a program. Like Build, it may be called by several processes at once.
func (w Workshop) Fetch(ctx context.Context, m Module, module, path string) (string, error) {
	version, err := m.Required(module)
	if err != nil {
		return "", err
	}
	dir, err := w.Dir(m)
	if err != nil {
		return "", err
	}
	target := filepath.Join(dir, "files", filepath.FromSlash(module), filepath.FromSlash(path))
	if _, err := os.Stat(target); err == nil {
		return target, nil
	}
	unlock, err := w.lock(ctx, dir, path)
	if err != nil {
		return "", fmt.Errorf("fetch %s of %s %s: %w", path, module, version, err)
	}
	defer unlock()
	if _, err := os.Stat(target); err == nil { // fetched by another process meanwhile
		return target, nil
	}
	err = w.work(m, dir, func(work string) error {
		// With checksums in go.sum it downloads no other bytes than those.
		printed, err := w.run(ctx, work, "mod", "download", "-json", module)
		if err != nil {
			return err
		}
		var download struct{ Dir string }
		if err := json.Unmarshal([]byte(printed), &download); err != nil {
			return fmt.Errorf("read what go mod download says: %w", err)
		}
		copied := filepath.Join(work, "copied")
		if err := duplicate(filepath.Join(download.Dir, filepath.FromSlash(path)), copied); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.Rename(copied, target)
	})
	if err != nil {
		return "", fmt.Errorf("fetch %s of %s %s: %w", path, module, version, err)
	}
	return target, nil
}

// duplicate copies a file or a folder of files. The module cache's are read-only, copies aren't.
func duplicate(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.Mkdir(filepath.Join(to, name), 0o755)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), text, 0o644)
	})
}
