package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

func TestACacheReadsWhatTheFileSays(t *testing.T) {
	var cache manifest.Cache
	texts := []string{"a: 1\n---\nb: 2\n", `{"a": 1}`, "a: 1\na: 2\n", "", "# " + strings.Repeat("long ", 10_000) + "\na: 1\n"}
	for range 3 {
		for _, file := range []string{"a.yaml", "b/c.yaml", "d.json"} {
			for _, text := range texts {
				want, wantErr := manifest.Documents(file, []byte(text))
				got, err := cache.Documents(file, []byte(text))
				if told(got, err) != told(want, wantErr) {
					t.Errorf("%s with %.20q:\n got %s\nwant %s", file, text, told(got, err), told(want, wantErr))
				}
			}
		}
		for i := range 100 { // more than it keeps
			text := fmt.Sprintf("a: %d # %s", i, strings.Repeat("x", 10_000))
			if got, err := cache.Documents("a.yaml", []byte(text)); err != nil || manifest.Text(got[0].Node, "a") != fmt.Sprint(i) {
				t.Fatalf("%v, error %v", got, err)
			}
		}
	}
}

func told(documents []manifest.Document, err error) string {
	var b strings.Builder
	fmt.Fprintln(&b, err)
	for i := range documents {
		objects, err := documents[i].Objects()
		fmt.Fprintln(&b, documents[i].File, documents[i].Line, documents[i].Node != nil, objects, err)
	}
	return b.String()
}
