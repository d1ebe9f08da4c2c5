package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

// localRemote reads a repository on the same machine, bare or not, without a
// git binary. What it gives out is a copy, so nothing that becomes of the
// repository later changes a tree that was fetched.
type localRemote struct {
	storage *filesystem.Storage
	limit   int64
}

func openLocal(a address, limit int64) (*localRemote, error) {
	dir, common, err := gitDir(a.path)
	if err != nil {
		return nil, err
	}
	var commonFS billy.Filesystem
	if common != "" {
		commonFS = osfs.New(common)
	}
	storage := filesystem.NewStorageWithOptions(
		dotgit.NewRepositoryFilesystem(osfs.New(dir), commonFS),
		cache.NewObjectLRU(deltaCache),
		filesystem.Options{KeepDescriptors: true, AlternatesFS: osfs.New("/"), LargeObjectThreshold: maxFolder},
	)
	config, err := storage.Config()
	if err != nil {
		return nil, fmt.Errorf("reading its configuration: %w", err)
	}
	for name, supported := range map[string]string{"objectformat": "sha1", "refstorage": "files"} {
		if value := config.Raw.Section("extensions").Option(name); value != "" && value != supported {
			return nil, fmt.Errorf("the repository's %s is %s, which is not supported: only %s is", name, value, supported)
		}
	}
	return &localRemote{storage: storage, limit: limit}, nil
}

// gitDir finds the repository that belongs to a path: a bare one, a work tree
// or a linked work tree, whose shared part is common.
func gitDir(path string) (dir, common string, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", "", errors.New("no such folder")
	case err != nil:
		return "", "", err
	case !info.IsDir():
		return "", "", errors.New("it is not a folder")
	}
	dir = path
	switch info, err := os.Stat(filepath.Join(path, ".git")); {
	case err == nil && info.IsDir():
		dir = filepath.Join(path, ".git")
	case err == nil:
		pointer, err := os.ReadFile(filepath.Join(path, ".git"))
		if err != nil {
			return "", "", err
		}
		dir = within(path, strings.TrimPrefix(string(pointer), "gitdir:"))
	}
	if shared, err := os.ReadFile(filepath.Join(dir, "commondir")); err == nil {
		common = within(dir, string(shared))
	}
	root := dir
	if common != "" {
		root = common
	}
	for _, part := range []string{filepath.Join(dir, "HEAD"), filepath.Join(root, "objects")} {
		if _, err := os.Stat(part); err != nil {
			return "", "", errors.New("the folder holds no Git repository")
		}
	}
	return dir, common, nil
}

func within(base, path string) string {
	path = strings.TrimSpace(path)
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

func (l *localRemote) refs(context.Context) (*refs, error) {
	found := &refs{named: map[string]ref{}, anyReachable: true}
	if head, err := storer.ResolveReference(l.storage, plumbing.HEAD); err == nil {
		found.head = head.Hash()
	}
	all, err := l.storage.IterReferences()
	if err != nil {
		return nil, fmt.Errorf("reading its refs: %w", err)
	}
	defer all.Close()
	err = all.ForEach(func(r *plumbing.Reference) error {
		if r.Type() != plumbing.HashReference || !strings.HasPrefix(r.Name().String(), "refs/") {
			return nil
		}
		commit := r.Hash()
		if r.Name().IsTag() {
			if commit, _, err = l.peeled(commit); err != nil {
				return fmt.Errorf("reading %s: %w", r.Name(), err)
			}
		}
		found.named[r.Name().String()] = ref{object: r.Hash(), commit: commit}
		return nil
	})
	if err == nil && len(found.named) == 0 && found.head.IsZero() {
		err = errEmpty
	}
	return found, err
}

// peeled follows a tag, and a tag of a tag, to what it names.
func (l *localRemote) peeled(hash plumbing.Hash) (target plumbing.Hash, tags []plumbing.Hash, err error) {
	for {
		tag, err := object.GetTag(l.storage, hash)
		switch {
		case errors.Is(err, plumbing.ErrObjectNotFound):
			return hash, tags, nil
		case err != nil:
			return plumbing.ZeroHash, nil, err
		}
		tags = append(tags, hash)
		hash = tag.Target
	}
}

// pack gives out one commit and its files. It is always as if shallow.
func (l *localRemote) pack(ctx context.Context, wants []plumbing.Hash, _ bool) (io.ReadCloser, error) {
	var hashes []plumbing.Hash
	for _, want := range wants {
		hash, tags, err := l.peeled(want)
		hashes = append(hashes, tags...)
		if err != nil {
			return nil, err
		}
		commit, err := object.GetCommit(l.storage, hash)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			return nil, errNotOurs
		} else if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
		err = walk(ctx, commit.TreeHash, l.entries, func(h plumbing.Hash) error {
			hashes = append(hashes, h)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	r, w := io.Pipe()
	p := &localPack{PipeReader: r, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		w.CloseWithError(writePack(ctx, w, l.storage, hashes))
	}()
	return &bounded{ReadCloser: p, limit: l.limit}, nil
}

// localPack is a packfile that is being written. Once it is closed nobody
// reads the repository any more.
type localPack struct {
	*io.PipeReader
	done chan struct{}
}

func (p *localPack) Close() error {
	err := p.PipeReader.Close()
	<-p.done
	return err
}

func (l *localRemote) entries(tree plumbing.Hash) ([]object.TreeEntry, error) {
	decoded, err := object.GetTree(l.storage, tree)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", tree, err)
	}
	return decoded.Entries, nil
}

func (l *localRemote) Close() error { return l.storage.Close() }
