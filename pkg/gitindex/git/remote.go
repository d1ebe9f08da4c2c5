package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// remote is one conversation with a repository: it is asked for its refs
// once, then at most once for a pack. It ends when its context does.
type remote interface {
	refs(ctx context.Context) (*refs, error)
	// pack returns a packfile that has the wants: of commits only their own
	// files if shallow, else their whole history.
	pack(ctx context.Context, wants []plumbing.Hash, shallow bool) (io.ReadCloser, error)
	Close() error
}

// connect starts a conversation.
func (s *Store) connect(ctx context.Context, a address, who access) (remote, error) {
	switch a.scheme {
	case "file":
		return openLocal(a, s.options.MaxFetchSize)
	case "ssh":
		return dialSSH(ctx, a, who, s.dir, s.options.MaxFetchSize)
	default:
		return newHTTPRemote(a, who, s.options.MaxFetchSize)
	}
}

// connectError is what went wrong before a server could answer.
type connectError struct{ err error }

func (e *connectError) Error() string { return e.err.Error() }
func (e *connectError) Unwrap() error { return e.err }

var (
	errNoRepository = errors.New("there is no repository at this URL, or the credentials don't show it")
	errEmpty        = errors.New("the repository is empty: it has no commits yet")
)

// errNotOurs is a server's refusal to give out an object that was asked for
// by hash.
var errNotOurs = errors.New("the server doesn't give it out")

// serverError is what a server said was wrong, as far as that is fit to be
// repeated.
func serverError(said string) error {
	switch text := strings.ToLower(said); {
	case strings.Contains(text, "not our ref"), strings.Contains(text, "unadvertised object"):
		return errNotOurs
	case strings.Contains(text, "not appear to be a git repository"),
		strings.Contains(text, "repository not found"),
		strings.Contains(text, "repository does not exist"),
		strings.Contains(text, "not a git repository"):
		return errNoRepository
	}
	said = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.TrimSpace(said))
	if runes := []rune(said); len(runes) > 200 {
		said = string(runes[:200]) + "…"
	}
	return fmt.Errorf("the server says: %s", said)
}

// bounded is a reader that fails after a number of bytes.
type bounded struct {
	io.ReadCloser
	limit, read int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.read += int64(n); b.read > b.limit {
		return 0, &limitError{b.limit}
	}
	return n, err
}

type limitError struct{ limit int64 }

func (e *limitError) Error() string {
	return fmt.Sprintf("there is more to transfer than the limit of %s for one fetch", gitindex.BytesText(e.limit))
}

// beginning is a writer that keeps the beginning of what is written to it.
type beginning struct {
	mu   sync.Mutex
	kept []byte
}

func (b *beginning) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	const most = 1024
	b.kept = append(b.kept, p[:min(len(p), most-len(b.kept))]...)
	return len(p), nil
}

func (b *beginning) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.kept)
}
