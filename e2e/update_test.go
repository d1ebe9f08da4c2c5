package e2e_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/txtar"
)

// update is for after a change of wording. It is the only way in which a test
// writes here, and what it writes is to be read before it is committed.
var update = flag.Bool("update", false, "write what is printed into the scripts, instead of comparing it")

// remember keeps what a file of the script should hold.
func (s *scenario) remember(file, text string) {
	if s.goldens == nil {
		s.goldens = map[string]string{}
	}
	s.goldens[file] = text
}

// writeGoldens puts what was remembered into the script, new files last.
func (s *scenario) writeGoldens() error {
	if len(s.goldens) == 0 {
		return nil
	}
	found, err := filepath.Glob(filepath.Join("scenarios", "*", s.name+".txtar"))
	if err != nil {
		return err
	}
	script := filepath.Join("scenarios", s.name+".txtar")
	if len(found) > 0 {
		script = found[0]
	}
	archive, err := txtar.ParseFile(script)
	if err != nil {
		return err
	}
	left := maps.Clone(s.goldens)
	for i := range archive.Files {
		file := &archive.Files[i]
		if text, ok := left[file.Name]; ok {
			file.Data = []byte(text)
			delete(left, file.Name)
		}
	}
	for name, text := range left {
		archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(text)})
	}
	return os.WriteFile(script, txtar.Format(archive), 0o644)
}
