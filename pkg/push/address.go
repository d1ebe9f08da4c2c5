package push

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"

	"gitonly.dev/gitonly/pkg/gitindex/git"
)

// payload is what is read of any server's webhook: where the repository is.
type payload struct {
	Repository *repository `json:"repository"` // GitHub, Gitea, Bitbucket; GitLab's older form
	Project    *repository `json:"project"`    // GitLab
}

type repository struct {
	CloneURL   string `json:"clone_url"`
	SSHURL     string `json:"ssh_url"`
	HTMLURL    string `json:"html_url"`
	GitHTTPURL string `json:"git_http_url"`
	GitSSHURL  string `json:"git_ssh_url"`
	WebURL     string `json:"web_url"`
	Links      struct {
		HTML  link  `json:"html"`  // Bitbucket
		Clone links `json:"clone"` // Bitbucket Data Center
	} `json:"links"`
}

type link struct {
	Href string `json:"href"`
}

type links []link

var errNoRepository = errors.New("the request names no repository: send push events, as JSON")

// addressesIn returns the addresses of the repository that a webhook is about.
func addressesIn(header http.Header, body []byte) ([]string, error) {
	if kind, _, _ := mime.ParseMediaType(header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, errNoRepository
		}
		body = []byte(form.Get("payload"))
	}
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, errNoRepository
	}
	var found []string
	for _, r := range []*repository{p.Repository, p.Project} {
		if r == nil {
			continue
		}
		urls := []string{r.CloneURL, r.SSHURL, r.HTMLURL, r.GitHTTPURL, r.GitSSHURL, r.WebURL, r.Links.HTML.Href}
		for _, clone := range r.Links.Clone {
			urls = append(urls, clone.Href)
		}
		for _, u := range urls {
			if a := git.Whereabouts(u); a != "" {
				found = append(found, a)
			}
		}
	}
	if len(found) == 0 {
		return nil, errNoRepository
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}
