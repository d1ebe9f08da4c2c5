package kustomization

import (
	"io/fs"
	"path"

	"sigs.k8s.io/kustomize/api/types"
)

// SecretFile is a file that Flux decrypts before it builds a kustomization.
type SecretFile struct {
	File string
	Name string // which says the file's format
	Env  bool   // it is one of variables, whatever its name says
}

// SecretFiles are the files that Flux decrypts before it builds the tree, if
// SOPS encrypted them: what generators of Secrets read, and patches. A file
// that is named twice is the first of the two.
func (t *Tree) SecretFiles() []SecretFile {
	var all []SecretFile
	files, layers := map[string]bool{}, map[*Layer]bool{}
	var visit func(*Layer)
	visit = func(l *Layer) {
		if l == nil || layers[l] {
			return
		}
		layers[l] = true
		for _, found := range secretFiles(l.Spec) {
			file, err := resolve(t.Files, path.Join(l.Dir, found.File))
			if err != nil || files[file] {
				continue // what isn't there is a fault of its own
			}
			files[file] = true
			found.File = file
			all = append(all, found)
		}
		for _, parts := range [][]Part{l.Resources, l.Components} {
			for _, part := range parts {
				visit(part.Layer)
			}
		}
	}
	visit(t.Root)
	return all
}

func secretFiles(spec *types.Kustomization) []SecretFile {
	var all []SecretFile
	for _, g := range spec.SecretGenerator {
		for _, entry := range g.FileSources {
			key, file := DataFile(entry)
			all = append(all, SecretFile{File: file, Name: key})
		}
		for _, file := range g.EnvSources {
			all = append(all, SecretFile{File: file, Name: file, Env: true})
		}
	}
	for _, patch := range spec.Patches {
		if patch.Path != "" {
			all = append(all, SecretFile{File: patch.Path, Name: patch.Path})
		}
	}
	return all
}

// Replacing returns the tree with other content in some of its files, none of
// which is a kustomization file.
func (t *Tree) Replacing(content map[string][]byte) *Tree {
	if len(content) == 0 {
		return t
	}
	other := *t
	other.Files = replacedFiles{t.Files, content}
	other.cache = nil // nothing that was decrypted is kept
	return &other
}

// replacedFiles are files of which some have other content.
type replacedFiles struct {
	fs.FS
	content map[string][]byte
}

var (
	_ fs.ReadFileFS = replacedFiles{}
	_ fs.ReadDirFS  = replacedFiles{}
	_ fs.StatFS     = replacedFiles{}
	_ fs.ReadLinkFS = replacedFiles{}
)

func (r replacedFiles) ReadFile(name string) ([]byte, error) {
	if data, ok := r.content[name]; ok {
		return data, nil
	}
	return fs.ReadFile(r.FS, name)
}

func (r replacedFiles) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(r.FS, name) }
func (r replacedFiles) Stat(name string) (fs.FileInfo, error)      { return fs.Stat(r.FS, name) }
func (r replacedFiles) Lstat(name string) (fs.FileInfo, error)     { return fs.Lstat(r.FS, name) }
func (r replacedFiles) ReadLink(name string) (string, error)       { return fs.ReadLink(r.FS, name) }
