package gitindex_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// server is a Git server: what is set for a URL, it answers.
type server struct {
	mu       sync.Mutex
	heads    map[string]string // URL to commit
	trees    map[string]fstest.MapFS
	down     map[string]error
	stuck    map[string]bool // waits for the context to end
	deaf     map[string]chan struct{}
	looks    map[string]int // by source
	fetches  map[string]int // by source
	lastLook map[string]time.Time
	signed   map[string]bool // by commit
	verified map[string]int  // by source
}

func newServer() *server {
	return &server{
		heads: map[string]string{}, trees: map[string]fstest.MapFS{}, down: map[string]error{},
		stuck: map[string]bool{}, deaf: map[string]chan struct{}{}, looks: map[string]int{},
		fetches: map[string]int{}, lastLook: map[string]time.Time{},
		signed: map[string]bool{}, verified: map[string]int{},
	}
}

type files map[string]string

// push makes a commit the head of a repository's main branch. Without content
// it can't be fetched.
func (s *server) push(repository, commit string, content files) {
	var tree fstest.MapFS
	if content != nil {
		tree = fstest.MapFS{}
	}
	for name, text := range content {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heads["https://git.example.com/"+repository+".git"] = commit
	s.trees[commit] = tree
}

// fails makes a repository's answers errors, or good again with nil.
func (s *server) fails(repository string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down["https://git.example.com/"+repository+".git"] = err
}

// hangs makes a repository not answer until it's asked no more.
func (s *server) hangs(repository string, hang bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stuck["https://git.example.com/"+repository+".git"] = hang
}

// ignores makes a repository not answer at all, until release is called.
func (s *server) ignores(t *testing.T, repository string) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	url, c := "https://git.example.com/"+repository+".git", make(chan struct{})
	s.deaf[url] = c
	release = sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		close(c)
		delete(s.deaf, url)
	})
	t.Cleanup(release)
	return release
}

func (s *server) count(counts map[string]int, source string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return counts[source]
}

func (s *server) looked(source string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastLook[source]
}

func (s *server) Resolve(ctx context.Context, source string, repository gitindex.Repository) (gitindex.Revision, error) {
	s.mu.Lock()
	s.looks[source]++
	s.lastLook[source] = time.Now()
	commit, err := s.heads[repository.URL], s.down[repository.URL]
	stuck, deaf := s.stuck[repository.URL], s.deaf[repository.URL]
	s.mu.Unlock()
	switch {
	case deaf != nil:
		<-deaf
	case stuck:
		<-ctx.Done()
		return gitindex.Revision{}, ctx.Err()
	case err != nil && err.Error() == "panic":
		panic("the fetcher is broken")
	case err != nil:
		return gitindex.Revision{}, err
	case commit == "nothing":
		return gitindex.Revision{}, nil
	case commit == "":
		return gitindex.Revision{}, errors.New("repository not found")
	}
	return gitindex.Revision{Commit: commit, Name: repository.Ref.String()}, nil
}

// signs makes a commit one that is signed by whoever may, or not.
func (s *server) signs(commit string, good bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signed[commit] = good
}

func (s *server) Verify(_ context.Context, source string, _ gitindex.Repository, revision gitindex.Revision) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verified[source]++
	if !s.signed[revision.Commit] {
		return fmt.Errorf("commit %s is not signed", revision.Commit)
	}
	return nil
}

func (s *server) Tree(_ context.Context, source string, _ gitindex.Repository, revision gitindex.Revision) (fs.FS, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetches[source]++
	tree, ok := s.trees[revision.Commit]
	if !ok || tree == nil {
		return nil, fmt.Errorf("no commit %s", revision.Commit)
	}
	return tree, nil
}

// renderer makes an object of each line of each file in a folder:
// "Deployment web". Some lines do other things.
type renderer struct {
	mu      sync.Mutex
	renders map[string]int // by path
	gates   map[string]chan struct{}
	now     int // renderings under way
	most    int // that there ever were
}

func newRenderer() *renderer {
	return &renderer{renders: map[string]int{}, gates: map[string]chan struct{}{}}
}

// hold makes rendering of a path wait for release, whatever its context says.
func (r *renderer) hold(t *testing.T, path string) (release func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	gate := make(chan struct{})
	r.gates[path] = gate
	release = sync.OnceFunc(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.gates, path)
		close(gate)
	})
	t.Cleanup(release)
	return release
}

func (r *renderer) count(path string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.renders[path]
}

func (r *renderer) Render(ctx context.Context, tree fs.FS, at gitindex.Location) ([]gitindex.Declared, gitindex.Inputs, error) {
	r.mu.Lock()
	r.renders[at.Path]++
	r.now++
	r.most = max(r.most, r.now)
	gate := r.gates[at.Path]
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.now--
	}()
	if gate != nil {
		<-gate
	}
	seen := gitindex.NewRecorder(tree)
	objects, err := renderFolder(ctx, seen, at)
	return objects, seen.Inputs(), err
}

func renderFolder(ctx context.Context, tree fs.FS, at gitindex.Location) ([]gitindex.Declared, error) {
	entries, err := fs.ReadDir(tree, at.Path)
	if err != nil {
		return nil, err
	}
	var objects []gitindex.Declared
	for _, entry := range entries {
		file := path.Join(at.Path, entry.Name())
		data, err := fs.ReadFile(tree, file)
		if err != nil {
			return nil, err
		}
		for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
			switch line {
			case "": // no object
				continue
			case "broken":
				return nil, &gitindex.RenderError{File: file, Line: i + 1, Err: errors.New("bad indentation")}
			case "panic":
				panic("the renderer is broken")
			case "endless":
				<-ctx.Done()
				return nil, ctx.Err()
			}
			kind, name, _ := strings.Cut(line, " ")
			if kind == "include" { // the object is in another file
				data, err := fs.ReadFile(tree, name)
				if err != nil {
					return nil, err
				}
				kind, name, _ = strings.Cut(strings.TrimSpace(string(data)), " ")
			}
			objects = append(objects, gitindex.Declared{
				Key:        gitindex.Key{Kind: kind, Namespace: at.Namespace, Name: name},
				APIVersion: "v1",
				Manifest:   gitindex.NewManifest(fmt.Appendf(nil, `{"kind":%q,"metadata":{"name":%q}}`, kind, name)),
				Origin: gitindex.Origin{File: file, Line: i + 1,
					Fields: []gitindex.FieldOrigin{{Path: "spec", File: file, Line: i + 1}}},
			})
		}
	}
	return slices.Clip(objects), nil
}
