package child

import (
	"bufio"
	"encoding/gob"
	"errors"
	"io"
	"io/fs"
	"path"
	"time"
)

// message is what a child sends: a question, or without one the announcement
// of its answer.
type message struct {
	Question *question

	Foreseen []int         // which of what was foreseen it made use of since the last one
	Used     time.Duration // processor time so far
	Worn     bool          // it should get no other request
}

// sender writes what the other process waits for at once: to be woken takes it
// longer than to read.
type sender struct {
	buffer *bufio.Writer
	gob    *gob.Encoder
}

func newSender(out io.Writer) *sender {
	buffer := bufio.NewWriter(out)
	return &sender{buffer, gob.NewEncoder(buffer)}
}

// add writes a value that another one follows.
func (s *sender) add(value any) error { return s.gob.Encode(value) }

func (s *sender) send(value any) error {
	if err := s.gob.Encode(value); err != nil {
		return err
	}
	return s.buffer.Flush()
}

// question is one look at the tree.
type question struct {
	Look string // "read", "list", "type", "own type" or "link"
	Name string
}

type answer struct {
	Data    []byte
	Link    string
	Entries []node
	Node    node
	Missing bool
	Fault   string
}

// size is how many bytes of files and of names in folders it has.
func (a *answer) size() int {
	size := len(a.Data)
	for i := range a.Entries {
		size += len(a.Entries[i].Called)
	}
	return size
}

// look answers a question about tree.
func look(tree fs.FS, q question) answer {
	var a answer
	var err error
	switch q.Look {
	case "read":
		a.Data, err = fs.ReadFile(tree, q.Name)
	case "list":
		var entries []fs.DirEntry
		entries, err = fs.ReadDir(tree, q.Name)
		for _, entry := range entries {
			a.Entries = append(a.Entries, node{entry.Name(), entry.Type()})
		}
	case "link":
		a.Link, err = fs.ReadLink(tree, q.Name)
	default:
		var info fs.FileInfo
		if q.Look == "own type" {
			info, err = fs.Lstat(tree, q.Name)
		} else {
			info, err = fs.Stat(tree, q.Name)
		}
		if err == nil {
			a.Node = node{path.Base(q.Name), info.Mode().Type()}
		}
	}
	if err != nil {
		at := (*fs.PathError)(nil)
		if errors.As(err, &at) {
			err = at.Err
		}
		return answer{Missing: errors.Is(err, fs.ErrNotExist), Fault: err.Error()}
	}
	return a
}

// remote is the parent's tree. It asks each question once, and none that was
// foreseen.
type remote struct {
	to    *sender
	from  *gob.Decoder
	known map[question]*known
	used  []int // of what was foreseen, and the parent doesn't know yet
	lost  error // the parent is gone
}

type known struct {
	answer
	foreseen int // which one it is, while nobody has asked; else -1
}

func newRemote(to *sender, from *gob.Decoder, ahead []foreseen) *remote {
	r := &remote{to: to, from: from, known: make(map[question]*known, len(ahead))}
	for i, f := range ahead {
		r.known[f.Question] = &known{f.Answer, i}
	}
	return r
}

var (
	_ fs.ReadFileFS = (*remote)(nil)
	_ fs.ReadDirFS  = (*remote)(nil)
	_ fs.StatFS     = (*remote)(nil)
	_ fs.ReadLinkFS = (*remote)(nil)
)

func (r *remote) ask(look, name string) (answer, error) {
	q := question{look, name}
	a, asked := r.known[q]
	if !asked {
		a = &known{foreseen: -1}
		if r.lost == nil {
			r.lost = r.to.send(message{Question: &q, Foreseen: r.used})
			r.used = nil
		}
		if r.lost == nil {
			r.lost = r.from.Decode(&a.answer)
		}
		if r.lost != nil {
			return answer{}, &fs.PathError{Op: look, Path: name, Err: r.lost}
		}
		r.known[q] = a
	}
	if a.foreseen >= 0 {
		r.used = append(r.used, a.foreseen)
		a.foreseen = -1
	}
	switch {
	case a.Missing:
		return a.answer, &fs.PathError{Op: look, Path: name, Err: fs.ErrNotExist}
	case a.Fault != "":
		return a.answer, &fs.PathError{Op: look, Path: name, Err: errors.New(a.Fault)}
	}
	return a.answer, nil
}

func (r *remote) ReadFile(name string) ([]byte, error) {
	a, err := r.ask("read", name)
	return a.Data, err
}

func (r *remote) ReadDir(name string) ([]fs.DirEntry, error) {
	a, err := r.ask("list", name)
	entries := make([]fs.DirEntry, len(a.Entries))
	for i, n := range a.Entries {
		entries[i] = fs.FileInfoToDirEntry(n)
	}
	return entries, err
}

func (r *remote) Stat(name string) (fs.FileInfo, error)  { return r.info("type", name) }
func (r *remote) Lstat(name string) (fs.FileInfo, error) { return r.info("own type", name) }

func (r *remote) info(look, name string) (fs.FileInfo, error) {
	a, err := r.ask(look, name)
	if err != nil {
		return nil, err
	}
	return a.Node, nil
}

func (r *remote) ReadLink(name string) (string, error) {
	a, err := r.ask("link", name)
	return a.Link, err
}

// Open is there for fs.FS alone.
func (r *remote) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: errors.ErrUnsupported}
}

// node is what a child knows of a file or folder without reading it.
type node struct {
	Called string
	Type   fs.FileMode
}

func (n node) Name() string       { return n.Called }
func (n node) Mode() fs.FileMode  { return n.Type }
func (n node) IsDir() bool        { return n.Type.IsDir() }
func (n node) Size() int64        { return 0 }
func (n node) ModTime() time.Time { return time.Time{} }
func (n node) Sys() any           { return nil }
