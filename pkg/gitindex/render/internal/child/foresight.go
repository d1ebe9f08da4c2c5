package child

import (
	"io/fs"
	"strings"
)

// Foreseeing is a tree that keeps count of the looks at it, and has a view of
// which the looks don't count.
type Foreseeing interface {
	fs.FS

	// Ahead is that view; nil if there is none.
	Ahead() fs.FS
}

const (
	// maxForeseen is how many answers a request comes with.
	maxForeseen = 256

	// maxAhead is how large the files and listings in them are in all, in bytes.
	maxAhead = 256 << 10
)

// foreseen is a question that a child is expected to ask, with the answer.
type foreseen struct {
	Question question
	Answer   answer
}

// foresight is what a child asked in its last request. The next one is mostly
// alike, in another folder: to be asked everything anew takes more time than
// many a request does.
type foresight struct {
	folder string
	asked  []question
}

// ahead answers what a request about a folder will ask.
func (f *foresight) ahead(tree fs.FS, folder string) []foreseen {
	counting, ok := tree.(Foreseeing)
	if !ok {
		return nil
	}
	view := counting.Ahead()
	if view == nil {
		return nil
	}
	var all []foreseen
	left := maxAhead
	for _, q := range f.asked[:min(len(f.asked), maxForeseen)] {
		if below, inside := cutFolder(q.Name, f.folder); inside {
			q.Name = folder + below
		}
		if q.Look == "read" && isLarger(view, q.Name, left) {
			break
		}
		a := look(view, q)
		if left -= a.size(); left < 0 {
			break
		}
		all = append(all, foreseen{q, a})
	}
	return all
}

// isLarger looks before a file is read that is too large to be.
func isLarger(tree fs.FS, name string, size int) bool {
	info, err := fs.Stat(tree, name)
	return err == nil && info.Size() > int64(size)
}

func cutFolder(name, folder string) (below string, inside bool) {
	below, inside = strings.CutPrefix(name, folder)
	return below, inside && (below == "" || below[0] == '/')
}

// settle counts looks that the child made use of, and returns them.
func settle(tree fs.FS, ahead []foreseen, used []int) []question {
	var all []question
	for _, i := range used {
		if i >= 0 && i < len(ahead) {
			look(tree, ahead[i].Question)
			all = append(all, ahead[i].Question)
		}
	}
	return all
}
