package fields_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	kjson "k8s.io/apimachinery/pkg/util/json"
	kyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// corpus is the objects of the sweep and of the example, as JSON
// has them.
func corpus(t testing.TB) []map[string]any {
	t.Helper()
	var objects []map[string]any
	for _, dir := range []string{"../../../e2e/sweep/corpus", "../../../examples/infra"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".yaml") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			documents := kyaml.NewYAMLToJSONDecoder(bytes.NewReader(text))
			for {
				object := map[string]any{}
				switch err := documents.Decode(&object); {
				case errors.Is(err, io.EOF):
					return nil
				case err != nil:
					return err
				case object["kind"] != nil:
					objects = append(objects, reread(object))
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(objects) < 70 {
		t.Fatalf("the corpus has only %d objects", len(objects))
	}
	return objects
}

// scripted is a copy of an object, changed as a script of bytes says: in each
// step some lead to a place, and one says what becomes of it.
func scripted(object map[string]any, script []byte) map[string]any {
	root := reread(object)
	for range 6 {
		if len(script) == 0 {
			break
		}
		script = editStep(root, script)
	}
	return reread(root)
}

func reread(object map[string]any) map[string]any {
	var copied map[string]any
	if err := kjson.Unmarshal(encode(object), &copied); err != nil {
		panic(err)
	}
	return copied
}
