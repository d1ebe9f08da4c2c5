// Package document holds parts of the pages in docs to what tests see: a test
// writes its part when it is run with -update, and compares it otherwise.
package document

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const end = "<!-- What is written by the test ends here -->\n"

// Part compares the part of a page in docs that this package's test writes, or
// writes it. Nothing else writes there, and what it writes is to be read before
// it is committed.
func Part(t *testing.T, page, test, generated string, update bool) {
	t.Helper()
	file, begin := "../../docs/"+page, "<!-- What follows is written by go test "+test+" -update -->\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	is, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("docs/%s lacks the marks\n%s%s", page, begin, end)
	}
	if update {
		if err := os.WriteFile(file, []byte(before+begin+generated+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(is, "\n"), strings.Split(generated, "\n")); diff != "" {
		t.Errorf("docs/%s isn't what happens (-page +here):\n%s", page, diff)
	}
}
