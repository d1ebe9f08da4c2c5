package gitindex_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// sized is an object with so many bytes of JSON.
func sized(kind, name string, bytes int) gitindex.Declared {
	d := object(kind, "apps", name, name+".yaml")
	text := fmt.Sprintf(`{"kind":%q,"metadata":{"name":%q,"annotations":{"text":""}},"spec":{"replicas":3}}`, kind, name)
	filling := strings.Repeat("as "+name+" says ", bytes)[:max(0, bytes-len(text))]
	d.Manifest = gitindex.NewManifest([]byte(strings.Replace(text, `"text":""`, `"text":"`+filling+`"`, 1)))
	return d
}

func TestPackedManifestsAreReadAsTheyWere(t *testing.T) {
	for _, test := range []struct {
		name   string
		bytes  []int
		packed string // x for each that is compressed
	}{
		{"none", nil, ""},
		{"objects that are small", []int{100, 1023, 1023}, "---"},
		{"objects that are large, but for the first", []int{1024, 1024, 1025, 5000, 300_000}, "-xxxx"},
		{"small ones among large ones", []int{100, 300_000, 1023, 1024, 100}, "---x-"},
		{"a large one alone", []int{100, 100, 2048}, "---"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var objects []gitindex.Declared
			for i, bytes := range test.bytes {
				objects = append(objects, sized("Deployment", fmt.Sprintf("web-%d", i), bytes))
			}
			packed := slices.Clone(objects)
			for range 2 { // what is packed stays as it is
				gitindex.Pack(packed)
				var which strings.Builder
				for i := range objects {
					was, is := objects[i].Manifest, packed[i].Manifest
					if string(was.JSON()) != string(is.JSON()) || was.Len() != is.Len() || is.Len() != len(is.JSON()) {
						t.Errorf("object %d, of %d bytes, is read as %d bytes: %.200s", i, was.Len(), is.Len(), is.JSON())
					}
					which.WriteString(map[bool]string{true: "-", false: "x"}[&was.JSON()[0] == &is.JSON()[0]])
				}
				if which.String() != test.packed {
					t.Errorf("packed are %q", which.String())
				}
			}
		})
	}
}

// TestEveryReaderReadsPackedManifests compares what is made of a location's
// objects packed with what is made of them as they are.
func TestEveryReaderReadsPackedManifests(t *testing.T) {
	const standIn = "settings-69829m62b8"
	with := func(d gitindex.Declared, group, spec string) gitindex.Declared {
		d.Key.Group = group
		d.Manifest = gitindex.NewManifest([]byte(strings.Replace(string(d.Manifest.JSON()), `{"replicas":3}`, spec, 1)))
		return d
	}
	for _, bytes := range []int{0, 1023, 1024, 4096} {
		generated := sized("Secret", standIn, bytes)
		generated.Key.Group, generated.Generated = "", "settings"
		objects := []gitindex.Declared{
			sized("Deployment", "first", bytes), sized("Deployment", "web", bytes), generated,
			with(sized("Certificate", "tls", bytes), "cert-manager.io", `{"secretName":"web-tls"}`),
			with(sized("ExternalSecret", "db", bytes), "external-secrets.io", `{"target":{"name":"db-login"}}`),
		}
		packed := slices.Clone(objects)
		gitindex.Pack(packed)
		recorded := []gitindex.Recorded{{Key: gitindex.Key{Kind: "Secret", Namespace: "apps", Name: "settings-hkmt2456ff"}, APIVersion: "v1"}}
		made := func(objects []gitindex.Declared) []string {
			state := declaring("infra", slices.Clone(objects)...)
			state.Source.Recorded = recorded
			count, size := state.Size()
			lines := []string{fmt.Sprint(count, " objects, ", size, " bytes")}
			snapshot := snapshotOf(state)
			for _, d := range snapshot.All() {
				decoded, err := d.Object()
				lines = append(lines, fmt.Sprint(d.Key, err, string(d.Manifest.JSON()), string(d.Presentable()), decoded))
			}
			for _, name := range []string{"web-tls", "db-login"} {
				lines = append(lines, snapshot.Claim(gitindex.Key{Kind: "Secret", Namespace: "apps", Name: name}).Key.String())
			}
			return lines
		}
		want, got := made(objects), made(packed)
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("of %d bytes each, packed:\n%.300s\nnot\n%.300s", bytes, got[i], want[i])
			}
		}
		if last := want[len(want)-2:]; !slices.Equal(last, []string{"Certificate apps/tls", "ExternalSecret apps/db"}) {
			t.Errorf("Secrets are claimed by %v", last)
		}
	}
}

func TestManifestsAreReadSideBySide(t *testing.T) {
	var objects []gitindex.Declared
	for i := range 20 {
		objects = append(objects, sized("Deployment", fmt.Sprintf("web-%d", i), 2048))
	}
	packed := slices.Clone(objects)
	gitindex.Pack(packed)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range objects {
				if string(packed[i].Manifest.JSON()) != string(objects[i].Manifest.JSON()) {
					t.Errorf("object %d is read as %s", i, packed[i].Manifest.JSON())
				}
			}
		})
	}
	wg.Wait()
}

func TestManifestsAreToldApartWithoutReadingThem(t *testing.T) {
	objects := []gitindex.Declared{sized("Deployment", "first", 2048), sized("Deployment", "web", 2048), sized("Deployment", "api", 2048)}
	packed := slices.Clone(objects)
	gitindex.Pack(packed)
	all := map[gitindex.Identity]string{}
	for _, d := range append(objects, packed[1:]...) {
		all[d.Manifest.Identity()] = d.Key.Name
	}
	if len(all) != 5 {
		t.Errorf("of 3 manifests, and 2 that are packed, there are %v", all)
	}
	for _, d := range append(objects, packed...) {
		if name := all[d.Manifest.Identity()]; name != d.Key.Name {
			t.Errorf("%s is taken for %q", d.Key.Name, name)
		}
	}
}
