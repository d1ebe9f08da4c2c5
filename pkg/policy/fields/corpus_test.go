package fields_test

import (
	"testing"

	kjson "k8s.io/apimachinery/pkg/util/json"

	"gitonly.dev/gitonly/e2e/sweep"
)

// corpus is the objects of the sweep and of the example.
func corpus(t testing.TB) []map[string]any {
	t.Helper()
	objects, err := sweep.Objects()
	if err != nil {
		t.Fatal(err)
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
