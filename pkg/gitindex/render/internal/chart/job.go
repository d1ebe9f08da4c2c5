// Package chart renders Helm charts in a tree as helm template does, without
// its network, and finds out what comes out differently each time.
package chart

import (
	"io/fs"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Job says what to render. A build without a release's name takes the chart's.
type Job struct {
	Dir   string // of the chart, in the tree
	Build gitindex.HelmBuild
	Bytes int64 // how much may come out
}

// Output is what a chart comes to, or what is wrong with it.
type Output struct {
	Files []File

	// Again are the files of a second rendering, with other random values and
	// at another time, if it differs from the first.
	Again []File

	Fault *Fault
}

// File is what one file of the chart comes to.
type File struct {
	Source    string   // in the tree: the file, or the archive that holds it
	Documents []string // of YAML

	// Raw is true for a file that is taken as it is, as one document: lines
	// in it are those of Source.
	Raw bool
}

// Fault is an error and its place. File is empty where it is unknown.
type Fault struct {
	File string
	Line int
	Text string
}

// Render renders a chart twice. It may take any time, and any memory.
func Render(tree fs.FS, job Job) Output {
	first, fault := render(tree, job, standInsOf(0))
	if fault != nil {
		return Output{Fault: fault}
	}
	second, fault := render(tree, job, standInsOf(1))
	if fault != nil {
		return Output{Fault: fault}
	}
	if same(first, second) {
		second = nil
	}
	return Output{Files: first, Again: second}
}
