package policy

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// link is where a person finds the file: a page of the Git host's where its
// address can be told, else the file and the repository.
func link(origin *gitindex.Origin, file string, line int) string {
	host, repository, ok := webAddress(origin.URL)
	if !ok {
		return fmt.Sprintf("%s in %s", file, origin.URL)
	}
	ref := cmp.Or(origin.Revision.Name, origin.Revision.Commit)
	page := "https://" + host + "/" + repository + "/" + fileView(host, ref) + "/" + file
	if line > 0 && !strings.HasPrefix(host, "bitbucket.") {
		page += "#L" + strconv.Itoa(line)
	}
	return page
}

var scpLike = regexp.MustCompile(`^(?:[^@/]+@)?([^:/]+):([^/].*)$`)

// webAddress is the host and path under which a Git host shows a repository.
func webAddress(repository string) (host, path string, ok bool) {
	if m := scpLike.FindStringSubmatch(repository); m != nil && !strings.Contains(repository, "://") {
		return m[1], strings.TrimSuffix(m[2], ".git"), true
	}
	u, err := url.Parse(repository)
	if err != nil {
		return "", "", false
	}
	switch u.Scheme {
	case "https":
		host = u.Host
	case "ssh":
		host = u.Hostname()
	}
	path = strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git")
	return host, path, host != "" && path != ""
}

// fileView is the part of a page's address between repository and file.
func fileView(host, ref string) string {
	switch {
	case strings.HasPrefix(host, "gitlab."):
		return "-/blob/" + ref
	case strings.HasPrefix(host, "bitbucket."):
		return "src/" + ref
	case host == "codeberg.org" || strings.HasPrefix(host, "gitea.") || strings.HasPrefix(host, "forgejo."):
		return "src/branch/" + ref
	}
	return "blob/" + ref
}
