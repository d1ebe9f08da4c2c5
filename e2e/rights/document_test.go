package rights_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// update is for after a change of rights, or of wording.
var update = flag.Bool("update", false, "write the table in docs/security.md, instead of comparing it")

const (
	page  = "../../docs/security.md"
	begin = "<!-- What follows is written by go test ./e2e/rights -update -->\n"
	end   = "<!-- What is written by the test ends here -->\n"
)

// TestTheDocumentHasTheRows compares the page with what it should have between
// its marks.
func TestTheDocumentHasTheRows(t *testing.T) {
	generated := document(rows())
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	is, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s lacks the marks\n%s%s", page, begin, end)
	}
	if *update {
		if err := os.WriteFile(page, []byte(before+begin+generated+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(is, "\n"), strings.Split(generated, "\n")); diff != "" {
		t.Errorf("%s isn't what the rows say (-page +here):\n%s", page, diff)
	}
}

// document is the table: what fails alike is one line.
func document(rows []row) string {
	var lines []line
	for _, r := range rows {
		l := line{fails: r.fails, place: string(r.in), says: r.says}
		i := slices.IndexFunc(lines, func(o line) bool { return o.fails == l.fails && o.place == l.place && o.says == l.says })
		if i < 0 {
			i, lines = len(lines), append(lines, l)
		}
		lines[i].add(r.right)
	}
	var text strings.Builder
	text.WriteString("\n| without | | is said in |\n|---|---|---|\n")
	for _, l := range lines {
		var rights []string
		for _, r := range l.rights {
			rights = append(rights, r.described())
		}
		fmt.Fprintf(&text, "| %s | %s | %s: `%s` |\n", strings.Join(rights, "<br>"), l.fails, l.place, l.says)
	}
	text.WriteString("\n")
	return text.String()
}

// line is one of the table.
type line struct {
	rights             []right
	fails, place, says string
}

// add adds a right: the verbs of one resource go together.
func (l *line) add(r right) {
	for i := range l.rights {
		if last := &l.rights[i]; last.role == r.role && last.group == r.group && last.resource == r.resource && last.name == r.name {
			last.verbs += " " + r.verbs
			return
		}
	}
	l.rights = append(l.rights, r)
}

// described is the right as people read it.
func (r right) described() string {
	if r == view {
		return "the ClusterRole `view`"
	}
	text := r.resource
	if r.group != "" {
		text += "." + r.group
	}
	text = "`" + text + "`"
	if r.name != "" {
		text += " `" + r.name + "`"
	}
	text += ": " + strings.ReplaceAll(r.verbs, " ", ", ")
	switch r.role {
	case home:
		text += " (in gitonly's namespace)"
	case agent:
		text += " (in the agent's namespace)"
	}
	return text
}
