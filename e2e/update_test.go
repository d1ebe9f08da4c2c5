package e2e_test

import (
	"flag"
	"os"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what scenarios print into their golden files, to be read before it is committed")

// writeGolden replaces files of a script.
func writeGolden(script string, files map[string]string) error {
	archive, err := txtar.ParseFile(script)
	if err != nil {
		return err
	}
	for i := range archive.Files {
		if text, ok := files[archive.Files[i].Name]; ok {
			archive.Files[i].Data = []byte(text)
			delete(files, archive.Files[i].Name)
		}
	}
	for name, text := range files {
		archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(text)})
	}
	return os.WriteFile(script, txtar.Format(archive), 0o644)
}

func (s *scenario) remember(file, text string) {
	s.goldens[file] = text
}
