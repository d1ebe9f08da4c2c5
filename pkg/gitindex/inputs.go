package gitindex

import "io/fs"

// Inputs are the files, folders and absences that a rendering looked at, each
// with a fingerprint of what it saw.
type Inputs map[string]string

// Unchanged reports whether a rendering of tree would see the same again.
func (in Inputs) Unchanged(tree fs.FS) bool { return false }
