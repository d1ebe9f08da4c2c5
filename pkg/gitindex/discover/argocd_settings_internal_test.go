package discover

import "testing"

func TestPatternsMatchAsInArgoCD(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		separators    []rune
		want          bool
	}{
		{pattern: "team-*", text: "team-a", want: true},
		{pattern: "{team-a,team-b}", text: "team-b", want: true},
		{pattern: "https://*", text: "https://git/infra", want: true},
		{pattern: "https://*", text: "https://git/infra", separators: []rune{'/'}},
		{pattern: "team-*-dev", text: "team-dev", want: true},
		{pattern: "[", text: "["},
		{pattern: "a{}", text: "a"}, // a panic there
	} {
		if got := globMatches(test.pattern, test.text, test.separators...); got != test.want {
			t.Errorf("%s matches %s: %t, want %t", test.pattern, test.text, got, test.want)
		}
	}
}
