package git

import (
	"path"
	"strings"
)

// SameRepository reports whether two URLs name one repository, by whatever
// protocol, user and port. It is false for what is no URL.
func SameRepository(a, b string) bool {
	x := whereabouts(a)
	return x != "" && x == whereabouts(b)
}

// whereabouts are the host and the path of a URL.
func whereabouts(url string) string {
	a, err := parseAddress(url)
	if err != nil {
		return ""
	}
	return strings.ToLower(path.Join(a.host, strings.TrimSuffix(strings.Trim(a.path, "/"), ".git")))
}
