package kustomization

import (
	"errors"
	"slices"
	"testing"
	"testing/fstest"
)

func TestKustomizeSeesTheRepositoryToReadOnly(t *testing.T) {
	tree := fstest.MapFS{
		"app/kustomization.yaml":   {Data: []byte("resources: [a.yaml]\n")},
		"app/a.yaml":               {Data: []byte("kind: A\n")},
		"other/kustomization.yaml": {Data: []byte("resources: [https://example.com/org/repo]\n")},
	}
	loaded, err := Load(tree, "app", nil, Limits{Layers: 10, Objects: 10}, nil)
	if err != nil || loaded.Problem != nil {
		t.Fatal(err, loaded.Problem)
	}
	files := loaded.FileSystem()

	t.Run("files are read below the mount", func(t *testing.T) {
		data, err := files.ReadFile(Mount + "/app/../app/a.yaml")
		if err != nil || string(data) != "kind: A\n" {
			t.Errorf("%q %v", data, err)
		}
		if !files.Exists(Mount+"/app/a.yaml") || files.Exists(Mount+"/app/b.yaml") || !files.IsDir(Mount) || files.IsDir(Mount+"/app/a.yaml") {
			t.Error("it is wrong about what there is")
		}
		names, err := files.ReadDir(Mount + "/app")
		if err != nil || !slices.Equal(names, []string{"a.yaml", "kustomization.yaml"}) {
			t.Errorf("%v %v", names, err)
		}
	})
	t.Run("a path is split into folder and file", func(t *testing.T) {
		for path, want := range map[string][2]string{
			Mount:                 {Mount, ""},
			Mount + "/app":        {Mount + "/app", ""},
			Mount + "/app/a.yaml": {Mount + "/app", "a.yaml"},
		} {
			if dir, file, err := files.CleanedAbs(path); err != nil || dir.String() != want[0] || file != want[1] {
				t.Errorf("%s: %s %s %v", path, dir, file, err)
			}
		}
		if _, _, err := files.CleanedAbs(Mount + "/nothing"); err == nil || err.Error() != "nothing does not exist" {
			t.Error(err)
		}
	})
	t.Run("nothing is there but the repository", func(t *testing.T) {
		for _, path := range []string{"/etc/passwd", Mount + "/../etc/passwd", "/", "app/a.yaml", Mount + "2/a"} {
			if data, err := files.ReadFile(path); !errors.Is(err, errOutside) {
				t.Errorf("%s: %q %v", path, data, err)
			}
			if files.Exists(path) || files.IsDir(path) {
				t.Errorf("%s is there", path)
			}
		}
	})
	t.Run("nothing is written", func(t *testing.T) {
		_, create := files.Create(Mount + "/x")
		for _, err := range []error{create, files.Mkdir(Mount + "/x"), files.MkdirAll(Mount + "/x"), files.RemoveAll(Mount + "/app"), files.WriteFile(Mount+"/x", nil)} {
			if !errors.Is(err, errReadOnly) {
				t.Error(err)
			}
		}
	})
	t.Run("a kustomization file that was not checked is not there", func(t *testing.T) {
		if files.Err() != nil {
			t.Fatal(files.Err())
		}
		_, err := files.ReadFile(Mount + "/other/kustomization.yaml")
		if err == nil || err.Error() != "other/kustomization.yaml: Kustomize wants this file unexpectedly" || !errors.Is(files.Err(), err) {
			t.Errorf("%v, kept %v", err, files.Err())
		}
	})
}
