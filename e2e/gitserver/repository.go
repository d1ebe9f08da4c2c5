package gitserver

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"
)

// DefaultBranch is where HEAD of a new repository points.
const DefaultBranch = "main"

// Repository is a bare repository on disk.
type Repository struct {
	Dir string
}

// Init makes an empty bare repository at dir, which may be pushed to. Options
// are those of git init.
func Init(dir string, options ...string) (*Repository, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making a repository: %w", err)
	}
	r := &Repository{Dir: dir}
	args := append([]string{"init", "--quiet", "--bare", "--initial-branch", DefaultBranch}, options...)
	if _, err := r.Git(args...); err != nil {
		return nil, err
	}
	_, err := r.Git("config", "http.receivepack", "true")
	return r, err
}

// Commit says what a new commit holds.
type Commit struct {
	Branch  string // where it goes; DefaultBranch if empty
	Message string

	// Replace starts from no files, instead of from those of the parent.
	Replace bool
	Remove  []string // paths of files or folders to take away

	Files      map[string]string // path → content
	Symlinks   map[string]string // path → target
	Submodules map[string]string // path → commit

	// Parent, if set, is built upon instead of the branch's tip. The branch
	// then moves there as a force-push would move it.
	Parent string
	// Orphan makes a commit without a parent.
	Orphan bool
}

// Commit writes a commit, moves its branch to it, and returns its hash.
func (r *Repository) Commit(c Commit) (string, error) {
	ref := "refs/heads/" + cmp.Or(c.Branch, DefaultBranch)
	parent := c.Parent
	if parent == "" && !c.Orphan {
		// A branch that isn't there yet starts without a parent.
		parent, _ = r.Git("rev-parse", "--verify", "--quiet", ref)
	}

	var b bytes.Buffer
	fmt.Fprintf(&b, "commit %s\n", ref)
	fmt.Fprintf(&b, "committer gitonly <e2e@gitonly.dev> %d +0000\n", time.Now().Unix())
	data(&b, cmp.Or(c.Message, "change"))
	if parent != "" {
		fmt.Fprintf(&b, "from %s\n", parent)
	}
	if c.Replace {
		b.WriteString("deleteall\n")
	}
	for _, path := range c.Remove {
		fmt.Fprintf(&b, "D %s\n", path)
	}
	for _, path := range slices.Sorted(maps.Keys(c.Files)) {
		fmt.Fprintf(&b, "M 100644 inline %s\n", path)
		data(&b, c.Files[path])
	}
	for _, path := range slices.Sorted(maps.Keys(c.Symlinks)) {
		fmt.Fprintf(&b, "M 120000 inline %s\n", path)
		data(&b, c.Symlinks[path])
	}
	for _, path := range slices.Sorted(maps.Keys(c.Submodules)) {
		fmt.Fprintf(&b, "M 160000 %s %s\n", c.Submodules[path], path)
	}
	if _, err := run(r.Dir, b.Bytes(), "fast-import", "--quiet", "--force"); err != nil {
		return "", err
	}
	return r.Git("rev-parse", ref)
}

func data(b *bytes.Buffer, content string) {
	fmt.Fprintf(b, "data %d\n%s\n", len(content), content)
}

// Tag makes or moves a tag.
func (r *Repository) Tag(name, commit string) error {
	_, err := r.Git("tag", "--force", name, commit)
	return err
}

// AnnotatedTag makes or moves a tag that is an object of its own.
func (r *Repository) AnnotatedTag(name, commit, message string) error {
	_, err := r.Git("tag", "--force", "--annotate", "--message", message, name, commit)
	return err
}

// SetBranch makes a branch or moves it to any commit, as a force-push would.
func (r *Repository) SetBranch(name, commit string) error {
	_, err := r.Git("update-ref", "refs/heads/"+name, commit)
	return err
}

// DeleteBranch takes a branch away.
func (r *Repository) DeleteBranch(name string) error {
	_, err := r.Git("update-ref", "-d", "refs/heads/"+name)
	return err
}

// Git runs git in the repository and returns what it prints.
func (r *Repository) Git(args ...string) (string, error) {
	return run(r.Dir, nil, args...)
}

// Files reads a folder for a Commit, leaving out what Git keeps for itself.
// Symlinks are read as the files they name.
func Files(fsys fs.FS) (map[string]string, error) {
	files := map[string]string{}
	err := fs.WalkDir(fsys, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case entry.IsDir() || entry.Name() == ".git":
			return nil
		}
		content, err := fs.ReadFile(fsys, path)
		files[path] = string(content)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading files for a commit: %w", err)
	}
	return files, nil
}
