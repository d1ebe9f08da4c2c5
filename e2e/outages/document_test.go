package outages_test

import (
	"flag"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

var update = flag.Bool("update", false, "write docs/outages.md, instead of comparing it")

// tables are what the page says.
func tables(all []outcomes) string {
	var text strings.Builder
	var notes notes
	text.WriteString("\n| situation | who writes | Ignore, Allow | Ignore, Deny | Fail, Allow | Fail, Deny |\n|---|---|---|---|---|---|\n")
	for i, o := range all {
		situation := o.situation
		if i > 0 && reflect.DeepEqual(o.answers, all[0].answers) {
			fmt.Fprintf(&text, "| %s | anybody, anything |%s\n", situation, strings.Repeat(" as ever |", len(combinations)))
			continue
		}
		for _, row := range o.rows() {
			fmt.Fprintf(&text, "| %s | %s |", situation, strings.Join(row.who, "; "))
			for _, a := range row.answers {
				fmt.Fprintf(&text, " %s%s |", a.outcome, notes.mark(a.message))
			}
			text.WriteString("\n")
			situation = ""
		}
	}
	text.WriteString("\n| situation | `/readyz` | GitSource's `Ready` | the API server counts it |\n|---|---|---|---|\n")
	for _, o := range all {
		counts := "no"
		if o.counted {
			counts = "yes"
		}
		fmt.Fprintf(&text, "| %s | %s | %s | %s |\n", o.situation, o.ready, o.sources, counts)
	}
	text.WriteString(notes.String())
	return text.String()
}

// row is all who get the same answers.
type row struct {
	who     []string
	answers []answer
}

func (o *outcomes) rows() []row {
	var rows []row
	for i, answers := range o.answers {
		same := slices.IndexFunc(rows, func(r row) bool { return slices.Equal(r.answers, answers) })
		if same < 0 {
			rows = append(rows, row{answers: answers})
			same = len(rows) - 1
		}
		rows[same].who = append(rows[same].who, writes[i].name)
	}
	if len(rows) == 1 {
		rows[0].who = []string{"anybody, anything"}
	}
	return rows
}

// notes are the page's footnotes.
type notes []string

// mark returns the mark of the footnote that says this; none for nothing.
func (n *notes) mark(message string) string {
	if message == "" {
		return ""
	}
	i := slices.Index(*n, message)
	if i < 0 {
		*n = append(*n, message)
		i = len(*n) - 1
	}
	return fmt.Sprintf("[^%d]", i+1)
}

func (n notes) String() string {
	var text strings.Builder
	for i, message := range n {
		fmt.Fprintf(&text, "\n[^%d]:\n", i+1)
		for line := range strings.Lines(message) {
			text.WriteString("        " + strings.TrimRight(line, "\n") + "\n")
		}
	}
	text.WriteString("\n")
	return text.String()
}

// chance is what no page can know before.
var chance = []struct {
	is   *regexp.Regexp
	says string
}{
	{regexp.MustCompile(`main@[0-9a-f]{7}`), "main@4f2c1ab"},
	{regexp.MustCompile(`\(checked [0-9]+[smhd] ago\)`), "(checked 12s ago)"},
	{regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z`), "TIME"},
	{regexp.MustCompile(`\?timeout=[0-9]+s`), "?timeout=3s"}, // that of config/webhook/registration.yaml
}

// timeless is a text as it would read in a cluster, with the same chance each
// time.
func (s *scene) timeless(text string, c combination) string {
	if namespace := c.namespace(); namespace != "-" {
		text = strings.ReplaceAll(text, namespace, "shop")
	}
	text = strings.ReplaceAll(text, "http://"+s.address, "https://git.example.com")
	text = strings.ReplaceAll(text, s.address, "git.example.com")
	text = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`).ReplaceAllString(text, "gitonly.gitonly-system.svc:443")
	for _, c := range chance {
		text = c.is.ReplaceAllString(text, c.says)
	}
	return text
}
