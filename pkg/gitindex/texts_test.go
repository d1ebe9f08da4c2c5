package gitindex_test

import (
	"strings"
	"testing"
	"unsafe"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func TestPackedObjectsOfALocationHoldEqualTextOnce(t *testing.T) {
	read := "Deployment staging apps/v1"
	declared := func(name string) gitindex.Declared {
		text := strings.Clone(read)
		kind, rest, _ := strings.Cut(text, " ")
		namespace, version, _ := strings.Cut(rest, " ")
		return gitindex.Declared{
			Key:        gitindex.Key{Group: version[:4], Kind: kind, Namespace: namespace, Name: name},
			APIVersion: version, Manifest: gitindex.NewManifest([]byte("{}")),
			Origin: gitindex.Origin{File: strings.Clone("apps/web.yaml")},
		}
	}
	objects := []gitindex.Declared{declared("web"), declared("shop")}
	before := texts(&objects[0])
	gitindex.Pack(objects)
	first, second := texts(&objects[0]), texts(&objects[1])
	for field, text := range before {
		switch {
		case first[field] != text:
			t.Errorf("%s is %q, was %q", field, first[field], text)
		case unsafe.StringData(first[field]) == unsafe.StringData(text):
			t.Errorf("%s still is part of what was read", field)
		case field != "name" && unsafe.StringData(first[field]) != unsafe.StringData(second[field]):
			t.Errorf("%s is held twice", field)
		}
	}
	if second["name"] != "shop" {
		t.Errorf("the second one's name is %q", second["name"])
	}
}

func texts(d *gitindex.Declared) map[string]string {
	return map[string]string{
		"group": d.Key.Group, "kind": d.Key.Kind, "namespace": d.Key.Namespace, "name": d.Key.Name,
		"apiVersion": d.APIVersion, "file": d.Origin.File,
	}
}
