package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

// workTree is a checkout on this machine.
type workTree struct {
	root    string
	files   fs.FS
	remotes []string // URLs

	// elsewhere says that the working directory isn't the root: git apply leaves
	// out silently what is outside of the folder that it runs in.
	elsewhere bool
}

// findWorkTree asks git for the work tree that a folder is in.
func findWorkTree(ctx context.Context, dir string) (workTree, error) {
	root, err := runGit(ctx, dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return workTree{}, fmt.Errorf("finding the checkout that %s is in: %w; name one with --dir", dir, err)
	}
	found := workTree{root: filepath.FromSlash(strings.TrimSpace(root))}
	opened, err := os.OpenRoot(found.root)
	if err != nil {
		return workTree{}, fmt.Errorf("opening the checkout: %w", err)
	}
	found.files = opened.FS()
	if found.elsewhere, err = isElsewhere(found.root); err != nil {
		return workTree{}, fmt.Errorf("comparing the working directory with the checkout: %w", err)
	}
	remotes, err := runGit(ctx, dir, "remote", "-v")
	if err != nil {
		return workTree{}, fmt.Errorf("asking for the remotes of %s: %w", found.root, err)
	}
	for line := range strings.Lines(remotes) {
		if words := strings.Fields(line); len(words) > 1 {
			found.remotes = append(found.remotes, words[1])
		}
	}
	slices.Sort(found.remotes)
	found.remotes = slices.Compact(found.remotes)
	return found, nil
}

func isElsewhere(root string) (bool, error) {
	there, err := os.Stat(root)
	if err != nil {
		return false, err
	}
	here, err := os.Stat(".")
	return err == nil && !os.SameFile(here, there), err
}

// applying is the command that applies a patch from any folder.
func (w *workTree) applying() string {
	return "git -C '" + strings.ReplaceAll(w.root, "'", `'\''`) + "' apply"
}

func runGit(ctx context.Context, dir string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	var out, problems bytes.Buffer
	command.Stdout, command.Stderr = &out, &problems
	err := command.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return "", errors.New(strings.TrimPrefix(strings.TrimSpace(problems.String()), "fatal: "))
	}
	return out.String(), err
}

// of are the sources whose repository is one of the work tree's remotes. The
// error says which there are otherwise.
func (w *workTree) of(sources []gitindex.Source) ([]gitindex.Source, error) {
	var found []gitindex.Source
	var others []string
	for _, source := range sources {
		url := source.Repository.URL
		switch {
		case slices.ContainsFunc(w.remotes, func(remote string) bool { return git.SameRepository(remote, url) }):
			found = append(found, source)
		case url != "" && source.Repository.Chart == "":
			others = append(others, gitindex.Redact(url))
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	slices.Sort(others)
	return nil, fmt.Errorf("no source is of the repository in %s (its remotes: %s; the sources' repositories: %s): name a checkout of one of these with --dir, or the folder that is rendered with --path",
		w.root, listOf(w.shownRemotes(), "none"), listOf(slices.Compact(others), "none"))
}

func (w *workTree) shownRemotes() []string {
	var shown []string
	for _, remote := range w.remotes {
		shown = append(shown, gitindex.Redact(remote))
	}
	return shown
}

func listOf(names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	return strings.Join(names, ", ")
}
