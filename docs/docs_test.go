// Package docs has the checks that keep these pages true.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages are the texts that people read, by their path from the project's root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	for _, pattern := range []string{"../*.md", "*.md", "../e2e/*.md", "../charts/*/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			pages[file] = string(text)
		}
	}
	return pages
}

func TestEachLinkLeadsSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for file, text := range pages(t) {
		if file == "api.md" { // generated, with patterns in it that look like links
			continue
		}
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			to := file
			if target != "" {
				to = filepath.Join(filepath.Dir(file), target)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: there is no %s", file, match[1])
				continue
			}
			if anchor == "" || !strings.HasSuffix(to, ".md") {
				continue
			}
			page, err := os.ReadFile(to)
			if err != nil {
				t.Fatal(err)
			}
			if !hasAnchor(string(page), anchor) {
				t.Errorf("%s: %s has no heading for #%s", file, to, anchor)
			}
		}
	}
}

// hasAnchor reports whether a heading gets this anchor from who shows the page.
func hasAnchor(page, anchor string) bool {
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "#") {
			continue
		}
		heading := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
		heading = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(heading, "")
		if strings.ReplaceAll(heading, " ", "-") == anchor {
			return true
		}
	}
	return false
}

// A message that no test expects is one that nobody reads any more.
func TestEachMessageThatIsExplainedIsOneThatTestsExpect(t *testing.T) {
	text, err := os.ReadFile("troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	expected := expectations(t)
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")
	rows := row.FindAllStringSubmatch(string(text), -1)
	if len(rows) < 30 {
		t.Fatalf("troubleshooting.md has %d messages; its tables must have changed", len(rows))
	}
	for _, match := range rows {
		if !pattern(match[1]).MatchString(expected) {
			t.Errorf("no test expects the message %q", match[1])
		}
	}
}

// pattern finds a message in which … stands for anything.
func pattern(message string) *regexp.Regexp {
	parts := strings.Split(message, "…")
	for i, part := range parts {
		parts[i] = strings.ReplaceAll(regexp.QuoteMeta(part), `"`, `\\?"`)
	}
	return regexp.MustCompile(strings.Join(parts, `.*?`))
}

// expectations is the text of all tests and scenarios.
func expectations(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "out"):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go") && !strings.HasSuffix(path, ".txtar"), path == "../docs/docs_test.go":
			return nil
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
