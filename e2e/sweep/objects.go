package sweep

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	kjson "k8s.io/apimachinery/pkg/util/json"
	kyaml "k8s.io/apimachinery/pkg/util/yaml"

	"gitonly.dev/gitonly/examples"
)

//go:embed corpus
var corpus embed.FS

// Objects returns the objects of corpus/ and of the example as their files spell
// them. Whole numbers are int64, as client-go has them.
func Objects() ([]map[string]any, error) {
	var all []map[string]any
	for _, tree := range []fs.FS{corpus, examples.FS} {
		err := fs.WalkDir(tree, ".", func(name string, _ fs.DirEntry, err error) error {
			if err != nil || path.Ext(name) != ".yaml" {
				return err
			}
			text, err := fs.ReadFile(tree, name)
			if err != nil {
				return fmt.Errorf("reading %s: %w", name, err)
			}
			found, err := documents(text)
			if err != nil {
				return fmt.Errorf("reading %s: %w", name, err)
			}
			for _, object := range found {
				if object["kind"] != nil {
					all = append(all, object)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// documents reads YAML. Empty documents are left out.
func documents(text []byte) ([]map[string]any, error) {
	var all []map[string]any
	decoder := kyaml.NewYAMLToJSONDecoder(bytes.NewReader(text))
	for {
		var document json.RawMessage
		var object map[string]any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err == nil && len(document) > 0 {
			err = kjson.Unmarshal(document, &object)
		}
		if err != nil {
			return nil, err
		}
		if object != nil {
			all = append(all, object)
		}
	}
}
