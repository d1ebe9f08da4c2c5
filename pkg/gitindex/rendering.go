package gitindex

import (
	"context"
	"fmt"
	"io/fs"
)

// Renderer turns the files of a location into objects.
type Renderer interface {
	// Render returns the objects at a location of tree, with Key, APIVersion,
	// JSON, ScopeUnknown, and Origin's File, Line and Fields set, and what it
	// looked at (also when it returns an error, so that the error stands until
	// an input changes). Bad files are a *RenderError where the file is known.
	Render(ctx context.Context, tree fs.FS, at Location) ([]Declared, Inputs, error)
}

// RenderError is a fault in a file in Git.
type RenderError struct {
	File string // relative to the repository's root
	Line int    // from 1; 0 if unknown
	Err  error
}

func (e *RenderError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.File, e.Err)
}

func (e *RenderError) Unwrap() error { return e.Err }
