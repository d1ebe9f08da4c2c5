package e2e_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"gitonly.dev/gitonly/pkg/policy"
)

// everyScriptPlayed fails if a file below scenarios is no script that was
// played: one in the wrong place, or with the wrong extension.
func everyScriptPlayed(t *testing.T, played *sync.Map) {
	t.Helper()
	if strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
		return // only some were asked for
	}
	for _, path := range catalogue(t) {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		if _, ok := played.Load(name); !ok {
			t.Errorf("%s was not played", path)
		}
	}
}

// catalogue is every file below scenarios, but for those that are given to all
// of them.
func catalogue(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir("scenarios", func(path string, entry fs.DirEntry, err error) error {
		if path == filepath.Join("scenarios", "given") {
			return fs.SkipDir
		}
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestEveryReasonHasAScenario(t *testing.T) {
	asserted := map[policy.Reason]bool{}
	for _, path := range catalogue(t) {
		for _, words := range lines(t, path) {
			if words[0] == "eventually" {
				words = words[1:]
			}
			if words[0] != "reason" {
				continue
			}
			words = words[1:]
			if words[0] == "-by" {
				words = words[4:]
			}
			for _, word := range words {
				asserted[policy.Reason(word)] = true
			}
		}
	}
	for _, reason := range policy.Reasons() {
		if !asserted[reason] {
			t.Errorf("no scenario asserts the reason %s", reason)
		}
		delete(asserted, reason)
	}
	for reason := range asserted {
		t.Errorf("a scenario asserts %q, which is no reason", reason)
	}
}

// TestScenarioFiles keeps scripts readable and apart from each other.
func TestScenarioFiles(t *testing.T) {
	var names []string
	for _, path := range catalogue(t) {
		name, isScript := strings.CutSuffix(filepath.Base(path), ".txtar")
		if !isScript {
			t.Errorf("%s is no .txtar", path)
		}
		// The name is that of a namespace, and others begin with it.
		if len(name) > 58 {
			t.Errorf("%s: its name is longer than 58 characters", path)
		}
		for _, other := range names {
			if strings.HasPrefix(name, other) || strings.HasPrefix(other, name) {
				t.Errorf("%s: its name begins like %s", path, other)
			}
		}
		names = append(names, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "# ") {
			t.Errorf("%s doesn't say on top what it shows", path)
		}
		for _, words := range lines(t, path) {
			// testscript's own, which would let a message or a script pass unseen.
			if slices.Contains([]string{"skip", "exec", "stderr"}, words[0]) {
				t.Errorf("%s uses %s", path, words[0])
			}
		}
		if strings.Contains(string(text), "\nstop") { // but for a version of Kubernetes
			t.Errorf("%s stops", path)
		}
	}
}

// lines are the words of each command of a script, without conditions and ! in
// front.
func lines(t *testing.T, path string) [][]string {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for line := range strings.Lines(string(archive.Comment)) {
		words := strings.Fields(line)
		for len(words) > 0 && (words[0] == "!" || strings.HasPrefix(words[0], "[")) {
			words = words[1:]
		}
		if len(words) > 0 && !strings.HasPrefix(words[0], "#") {
			all = append(all, words)
		}
	}
	return all
}
