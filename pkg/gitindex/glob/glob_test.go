package glob_test

import (
	"regexp"
	"strings"
	"testing"

	gobwas "github.com/gobwas/glob"

	"gitonly.dev/gitonly/pkg/gitindex/glob"
)

// TestPatternsMatchWhatArgoCDMatches compares with the library that Argo CD
// uses, which takes exponential time for some patterns.
func TestPatternsMatchWhatArgoCDMatches(t *testing.T) {
	names := []string{"a", "b", "ab", "a.yaml", "b.yml", "a/b.yaml", "a/b/c.yaml", "dev/a.json", "-", "a-b", "[a]", "{a}", "a,b", "*", "ä", "a\nb", "x.jsonnet"}
	matched := 0
	for _, pattern := range []string{
		"a", "*", "**", "*.yaml", "a/*", "a/**", "?", "?.y?ml", "[ab]", "[!ab]", "[a-c]*", "[!a-c]*", "{a,b}", "{a,b}.y*", "{*.yaml,{dev/*,x.*}}",
		"a,b", `\*`, `\[a\]`, `\{a\}`, "*/*", "{,a}b", "[-]", "ä", "a-b", "*.{yaml,yml,json}", "}", "a?b",
		"{a", "{a,b", "a{b,{c,", `a\`, "[ab-c]", "[!-]", `[\]a]`, `[\-a]`, "{}", "{a,}", "a***", "", "[*]",
	} {
		theirs := gobwas.MustCompile(pattern)
		ours, err := glob.Compile(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		for _, name := range names {
			want := theirs.Match(name)
			if got := ours.MatchString(name); got != want {
				t.Errorf("%s matches %q: %t, want %t", pattern, name, got, want)
			}
			if want {
				matched++
			}
		}
	}
	if matched < 50 {
		t.Errorf("only %d matches: the names don't fit the patterns", matched)
	}
}

func TestPathPatternsStopAtSlashes(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"env/*.yaml", "env/a.yaml", true},
		{"env/*.yaml", "env/b/a.yaml", false},
		{"env/?", "env/a", true},
		{"env?a", "env/a", false},
		{"env/**/a.yaml", "env/a.yaml", true},
		{"env/**/a.yaml", "env/b/c/a.yaml", true},
		{"env/**/a.yaml", "env/ba.yaml", false},
		{"**/a.yaml", "a.yaml", true},
		{"**/a.yaml", "b/a.yaml", true},
		{"env/**", "env/b/c", true},
	} {
		pattern, err := glob.CompilePath(test.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := pattern.MatchString(test.name); got != test.want {
			t.Errorf("%s matches %s: %t, want %t", test.pattern, test.name, got, test.want)
		}
	}
}

func TestBadPatternsAreErrors(t *testing.T) {
	for _, test := range []struct {
		compile       func(string) (*regexp.Regexp, error)
		pattern, want string
	}{
		{glob.Compile, "[a", "a [ is never closed"},
		{glob.Compile, "[a-", "a [ is never closed"},
		{glob.Compile, "[]", "what is in [] must be some characters, or one range of them"},
		{glob.Compile, "[a-cx]", "what is in [] must be some characters, or one range of them"},
		{glob.Compile, "[c-a]", "what is in [] must be some characters, or one range of them"},
		{glob.Compile, "\xff", "it is not in UTF-8"},
		{glob.CompilePath, "{a", "a { is never closed"},
		{glob.CompilePath, "[a", "a [ is never closed"},
		{glob.CompilePath, `a\`, `nothing follows the last \`},
	} {
		if _, err := test.compile(test.pattern); err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v, want %s", test.pattern, err, test.want)
		}
		if glob.Match(test.pattern, test.pattern) && test.want == "it is not in UTF-8" {
			t.Errorf("%q matches itself", test.pattern)
		}
	}
}

func TestNoPatternTakesLong(t *testing.T) {
	pattern, err := glob.Compile(strings.Repeat("*a", 2000))
	if err != nil {
		t.Fatal(err)
	}
	if pattern.MatchString(strings.Repeat("a", 1000)) {
		t.Error("it matches")
	}
}
