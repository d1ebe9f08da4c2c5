// Package push hears from Git servers that something was pushed, so that
// nobody has to wait for the next look at a source.
package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-logr/logr"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

// maxBody is more than GitHub sends at most.
const maxBody = 26 << 20

// Refresher looks at sources again.
type Refresher interface {
	Latest() *gitindex.Snapshot
	Refresh(source string)
}

// Receiver answers the webhooks of GitHub, GitLab, Gitea, Forgejo and
// Bitbucket. A push to a repository makes it refresh the sources that are made
// of it. It believes nothing that a request says but the repository's address,
// and that only with the right signature or token.
type Receiver struct {
	token     func(context.Context) ([]byte, error)
	refresher Refresher
	log       logr.Logger
}

// NewReceiver returns a Receiver. token returns what the Git servers share with
// it, and is asked for each request.
func NewReceiver(token func(context.Context) ([]byte, error), refresher Refresher, log logr.Logger) *Receiver {
	return &Receiver{token: token, refresher: refresher, log: log}
}

// ServeHTTP implements http.Handler: 202 says how many sources are looked at.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "webhooks are sent with POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBody))
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		http.Error(w, "the request could not be read", http.StatusBadRequest)
		return
	}
	token, err := r.token(request.Context())
	if err != nil {
		r.log.Error(err, "a push can't be checked")
		http.Error(w, "gitonly has no token to check this with: see its log", http.StatusServiceUnavailable)
		return
	}
	if err := verify(request.Header, body, token); err != nil {
		r.log.Info("a push was not believed", "from", request.RemoteAddr, "why", err.Error())
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	addresses, err := addressesIn(request.Header, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	names := r.sourcesOf(addresses)
	for _, name := range names {
		r.refresher.Refresh(name)
	}
	r.log.V(1).Info("a push was heard of", "repositories", addresses, "sources", names)
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintf(w, "sources looked at: %d\n", len(names))
}

// sourcesOf names the sources that any of the repositories is part of.
func (r *Receiver) sourcesOf(addresses []string) []string {
	pushed := map[string]bool{}
	for _, address := range addresses {
		pushed[address] = true
	}
	var names []string
	states := r.refresher.Latest().Sources()
	for i := range states {
		source := &states[i].Source
		found := pushed[git.Whereabouts(source.Repository.URL)]
		for _, reference := range source.References {
			found = found || pushed[git.Whereabouts(reference.URL)]
		}
		if found {
			names = append(names, source.Name)
		}
	}
	return names
}
