package rights_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gitonly.dev/gitonly/e2e/document"
)

var update = flag.Bool("update", false, "write the table in docs/security.md, instead of comparing it")

func TestTheDocumentHasTheRows(t *testing.T) {
	document.Part(t, "security.md", "./e2e/rights", table(rows()), *update)
}

// table has the rows: what fails alike is one line.
func table(rows []row) string {
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
