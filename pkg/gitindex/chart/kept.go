package chart

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// kept are charts on disk, each in a file that is named by its digest. Those
// that were used longest ago make room for others.
type kept struct {
	dir  string
	most int64 // bytes
	mu   sync.Mutex
}

// The endings of the names say what the files are.
const (
	chartSuffix    = ".chart.tgz"
	artifactSuffix = ".tgz"
	partPattern    = "part-*"
)

func sum(data []byte) string {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}

func (k *kept) path(digest string, chart bool) string {
	if chart {
		return filepath.Join(k.dir, digest+chartSuffix)
	}
	return filepath.Join(k.dir, digest+artifactSuffix)
}

func (k *kept) get(digest string) (packed, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, chart := range []bool{true, false} {
		path := k.path(digest, chart)
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		now := time.Now()
		_ = os.Chtimes(path, now, now) // its age is the time since it was last needed
		return packed{data: data, chart: chart}, true
	}
	return packed{}, false
}

func (k *kept) put(digest string, p packed) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.write(k.path(digest, p.chart), p.data); err != nil {
		return fmt.Errorf("keeping the chart: %w", err)
	}
	return k.tidy()
}

func (k *kept) write(path string, data []byte) error {
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return err
	}
	part, err := os.CreateTemp(k.dir, partPattern)
	if err != nil {
		return err
	}
	defer os.Remove(part.Name()) // which has another name by then, if all goes well
	_, err = part.Write(data)
	if err := errors.Join(err, part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}

// tidy makes room, but for the file that was used last.
func (k *kept) tidy() error {
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		return err
	}
	type file struct {
		path string
		size int64
		used time.Time
	}
	var files []file
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !strings.HasSuffix(entry.Name(), artifactSuffix) {
			continue
		}
		files = append(files, file{filepath.Join(k.dir, entry.Name()), info.Size(), info.ModTime()})
	}
	slices.SortFunc(files, func(a, b file) int { return cmp.Or(b.used.Compare(a.used), cmp.Compare(a.path, b.path)) })
	var errs []error
	total := int64(0)
	for i, f := range files {
		if total += f.size; i > 0 && total > k.most {
			errs = append(errs, os.Remove(f.path))
		}
	}
	return errors.Join(errs...)
}
