package git

import (
	"path"
	"strings"
)

// SameRepository reports whether two URLs name one repository, by whatever
// protocol, user and port. It is false for what is no URL.
func SameRepository(a, b string) bool {
	x := Whereabouts(a)
	return x != "" && x == Whereabouts(b)
}

// Whereabouts are what all URLs of a repository have in common: its host and
// path. They are empty for what is no URL.
func Whereabouts(url string) string {
	a, err := parseAddress(url)
	if err != nil {
		return ""
	}
	return strings.ToLower(path.Join(a.host, strings.TrimSuffix(strings.Trim(a.path, "/"), ".git")))
}
