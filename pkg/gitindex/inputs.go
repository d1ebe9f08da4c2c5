package gitindex

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Inputs are the files, folders and absences that a rendering looked at, each
// with a fingerprint of what it saw. A Recorder makes them. They may be kept
// as JSON.
//
// The keys are a kind of look and a path: "read apps/web.yaml", "list apps",
// "type apps/kustomization.yml", "link apps/current".
type Inputs map[string]string

// Unchanged reports whether a rendering of tree would see the same again. Nil
// Inputs stand for no rendering at all, so they are never unchanged.
func (in Inputs) Unchanged(tree fs.FS) bool {
	if in == nil {
		return false
	}
	for key, seen := range in {
		look, name, _ := strings.Cut(key, " ")
		if fingerprint(tree, look, name) != seen {
			return false
		}
	}
	return true
}

// The kinds of look.
const (
	lookRead = "read"
	lookList = "list"
	lookType = "type"
	lookLink = "link"
)

// absent is the fingerprint of what isn't there, however it was looked for.
const absent = "absent"

func fingerprint(tree fs.FS, look, name string) string {
	switch look {
	case lookRead:
		return contentOf(tree, name)
	case lookList:
		entries, err := fs.ReadDir(tree, name)
		return listing(entries, err)
	case lookType:
		info, err := fs.Stat(tree, name)
		return typeOf(info, err)
	case lookLink:
		target, err := fs.ReadLink(tree, name)
		return linkTo(target, err)
	}
	return "unknown look " + look
}

// contentOf takes the hash that Git already has of a file, so that the file
// need not be read.
func contentOf(tree fs.FS, name string) string {
	info, err := fs.Stat(tree, name)
	if err != nil {
		return fault(err)
	}
	if hash, ok := gitHash(info); ok {
		return hash
	}
	data, err := fs.ReadFile(tree, name)
	return content(info, data, err)
}

func content(info fs.FileInfo, data []byte, err error) string {
	if err != nil {
		return fault(err)
	}
	if hash, ok := gitHash(info); ok {
		return hash
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// gitHash is a Git tree's own name for the content of a file.
func gitHash(info fs.FileInfo) (string, bool) {
	if info == nil || !info.Mode().IsRegular() {
		return "", false
	}
	hash, ok := info.Sys().(string)
	return "git:" + hash, ok && hash != ""
}

// listing is made of the direct entries only: what changes deeper down is no
// change of the listing.
func listing(entries []fs.DirEntry, err error) string {
	if err != nil {
		return fault(err)
	}
	lines := make([]string, len(entries))
	for i, entry := range entries {
		lines[i] = fmt.Sprintf("%s %q\n", typeName(entry.Type()), entry.Name())
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func typeOf(info fs.FileInfo, err error) string {
	if err != nil {
		return fault(err)
	}
	return typeName(info.Mode())
}

func typeName(mode fs.FileMode) string {
	switch mode.Type() {
	case 0:
		return "file"
	case fs.ModeDir:
		return "folder"
	case fs.ModeSymlink:
		return "link"
	}
	return "other"
}

func linkTo(target string, err error) string {
	if err != nil {
		return fault(err)
	}
	return "to " + target
}

// fault leaves out which call met the error: a file is read by several.
func fault(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return absent
	}
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		err = at.Err
	}
	return "error: " + err.Error()
}
