package e2e_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// message compares all that a user's last command printed on stderr.
func message(_ context.Context, s *scenario, ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	if s.last == nil {
		return errors.New("no user has run a command yet")
	}
	s.last.read()
	return s.golden(ts, s.last.stderr, args[0])
}

// output compares all that a user's last command, or show, ready or review
// printed on stdout.
func output(_ context.Context, s *scenario, ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	return s.golden(ts, ts.ReadFile("stdout"), args[0])
}

// tabular compares a table: its columns are two spaces apart, however wide.
func tabular(_ context.Context, s *scenario, ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	return s.golden(ts, cells(ts.ReadFile("stdout")), args[0])
}

// cells is a table with its columns two spaces apart, and no ages.
func cells(table string) string {
	var rows strings.Builder
	for line := range strings.Lines(table) {
		cells := columns.Split(strings.TrimRight(line, " \n"), -1)
		for i := range cells {
			cells[i] = ageCell.ReplaceAllString(cells[i], "AGE")
		}
		rows.WriteString(strings.Join(cells, "  ") + "\n")
	}
	return rows.String()
}

// golden compares a text with a file of the script; -update writes the file.
func (s *scenario) golden(ts *testscript.TestScript, got, file string) error {
	if *update {
		s.remember(file, s.timeless(got))
		return nil
	}
	return s.compare(ts, got, file)
}

func (s *scenario) compare(ts *testscript.TestScript, got, file string) error {
	got = s.timeless(got)
	want := s.timeless(ts.ReadFile(file))
	if got == want {
		return nil
	}
	return fmt.Errorf("it is not as in %s (-want +got):\n%s\nit is:\n%s", file,
		gocmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")), got)
}

var (
	columns = regexp.MustCompile(` {2,}`)
	ageCell = regexp.MustCompile(`^([0-9]+[smhd]){1,2}$`)
)

// chance is what no script can know before: how golden files write it.
var chance = []struct {
	is   *regexp.Regexp
	says string
}{
	{regexp.MustCompile(`\b([0-9]+[smhdy]){1,2} ago\b`), "AGE ago"},
	{regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z`), "TIME"},
	{regexp.MustCompile(`kubectl-edit-[0-9]+`), "kubectl-edit-NUMBER"},
	{regexp.MustCompile(`-[bcdfghjklmnpqrstvwxz2456789]{5,10}\b`), "-RANDOM"}, // of generateName, and hashes in names
	{regexp.MustCompile(`(break-glass-approve=|its code is )[bcdfghjklmnpqrstvwxz2456789]{6}\b`), "${1}RANDOM"},
}

// timeless is a text in the words of golden files: variables for what differs
// from run to run, AGE and the like for what is left to chance.
func (s *scenario) timeless(text string) string {
	names := slices.Collect(maps.Keys(s.variables))
	slices.SortFunc(names, func(a, b string) int { // the longest value first: one may hold another
		return cmp.Compare(len(s.variables[b]), len(s.variables[a]))
	})
	for _, name := range names {
		text = strings.ReplaceAll(text, s.variables[name], "$"+name)
	}
	for _, c := range chance {
		text = c.is.ReplaceAllString(text, c.says)
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n" // as files end
	}
	return text
}
