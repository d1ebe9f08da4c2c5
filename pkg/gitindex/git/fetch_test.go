package git_test

import (
	"crypto/rand"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

func TestRepositoriesOnDisk(t *testing.T) {
	bare := newInfra(t)
	work := filepath.Join(t.TempDir(), "a work tree @home")
	bare.git("clone", "--quiet", bare.Dir, work)
	bare.git("-C", work, "config", "core.repositoryformatversion", "1")
	bare.git("-C", work, "config", "extensions.worktreeConfig", "true")
	linked := filepath.Join(t.TempDir(), "linked")
	bare.git("-C", work, "worktree", "add", "--quiet", "--detach", linked, bare.first)
	shared := filepath.Join(t.TempDir(), "shared.git")
	bare.git("clone", "--quiet", "--bare", "--shared", bare.Dir, shared)
	shallow := filepath.Join(t.TempDir(), "shallow.git")
	bare.git("clone", "--quiet", "--bare", "--depth", "1", "file://"+bare.Dir, shallow)
	packed := newInfra(t)
	packed.git("gc", "--quiet")
	packed.git("pack-refs", "--all")

	for _, test := range []struct {
		name, url, want string
	}{
		{"a bare repository", "file://" + bare.Dir, "replicas: 2\n"},
		{"an absolute path", bare.Dir, "replicas: 2\n"},
		{"a work tree, whose settings go-git doesn't know", work, "replicas: 2\n"},
		{"the repository of a work tree", filepath.Join(work, ".git"), "replicas: 2\n"},
		{"a linked work tree", linked, "replicas: 1\n"},
		{"a repository that borrows from another", shared, "replicas: 2\n"},
		{"a shallow repository", shallow, "replicas: 2\n"},
		{"a packed repository", packed.Dir, "replicas: 2\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("PATH", "") // needs no git
			_, tree := fetched(t, newStore(t, git.Credentials{}), at(test.url, gitindex.Ref{}))
			wantFile(t, tree, "apps/web.yaml", test.want)
		})
	}
}

// Servers differ in whether a commit may be asked for by its hash.
func TestCommitsByHash(t *testing.T) {
	allow := func(what string) func(*infra) {
		return func(r *infra) { r.git("config", "uploadpack."+what, "true") }
	}
	for _, server := range []struct {
		name      string
		configure func(*infra)
	}{
		{"a server that gives out tips of branches and tags only", func(*infra) {}},
		{"a server that gives out tips, hidden ones too", allow("allowTipSHA1InWant")},
		{"a server that gives out what is reachable", allow("allowReachableSHA1InWant")},
	} {
		t.Run(server.name, func(t *testing.T) {
			r := newInfra(t)
			server.configure(r)
			tagged := r.commit(gitserver.Commit{Branch: "gone", Files: map[string]string{"apps/web.yaml": "tagged\n"}})
			must(t, r.AnnotatedTag("v1", tagged, "v1"))
			unreachable := r.commit(gitserver.Commit{Branch: "gone", Orphan: true, Files: map[string]string{"a": "b"}})
			must(t, r.DeleteBranch("gone"))
			url := serveHTTP(t, r, gitserver.HTTPOptions{}).URL + infraName
			store := newStore(t, git.Credentials{})

			for commit, want := range map[string]string{r.first: "replicas: 1\n", r.second: "replicas: 2\n", tagged: "tagged\n"} {
				_, tree := fetched(t, store, at(url, gitindex.Ref{Commit: commit}))
				wantFile(t, tree, "apps/web.yaml", want)
			}
			for _, commit := range []string{unreachable, strings.Repeat("1", 40)} {
				repository := at(url, gitindex.Ref{Commit: commit})
				_, err := store.Tree(t.Context(), "infra", repository, gitindex.Revision{Commit: commit})
				wantError(t, err, "fetching "+url+": commit "+commit+" does not exist, or no branch or tag leads to it")
			}
		})
	}
}

func TestACommitThatItsBranchHasLeft(t *testing.T) {
	r := newInfra(t)
	url := serveHTTP(t, r, gitserver.HTTPOptions{}).URL + infraName
	store := newStore(t, git.Credentials{})
	revision := gitindex.Revision{Name: "main", Commit: r.first}

	_, err := store.Tree(t.Context(), "infra", onMain(url), revision)
	wantError(t, err, "fetching "+url+": commit "+r.first+" can't be had any more: main is "+r.second+" now")
}

func TestOnlyTheFilesOfTheCommitAreFetched(t *testing.T) {
	r := newInfra(t)
	ballast := strings.Repeat("0123456789abcdef", 1<<12) // compresses well, so what counts is the limit below
	r.commit(gitserver.Commit{Files: map[string]string{"ballast": ballast}})
	r.commit(gitserver.Commit{Remove: []string{"ballast"}})
	transferred := int64(0)
	url := serveVia(t, r, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			next.ServeHTTP(&counting{w, &transferred}, req)
		})
	})
	fetched(t, newStore(t, git.Credentials{}), onMain(url))
	if transferred > 2000 {
		t.Errorf("%d bytes were transferred, want no more than refs and three small files take", transferred)
	}
}

type counting struct {
	http.ResponseWriter
	n *int64
}

func (c *counting) Write(p []byte) (int, error) {
	*c.n += int64(len(p))
	return c.ResponseWriter.Write(p)
}

// Some hosts refuse clients that don't speak of multi_ack, as go-git's own
// doesn't.
func TestServersThatInsistOnMultiACK(t *testing.T) {
	r := newInfra(t)
	url := serveVia(t, r, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Method == http.MethodPost {
				body := make([]byte, 300)
				n, _ := req.Body.Read(body)
				if !strings.Contains(string(body[:n]), "multi_ack") {
					http.Error(w, "clients must support multi-ack", http.StatusBadRequest)
					return
				}
				req.Body = &replayed{strings.NewReader(string(body[:n])), req.Body}
			}
			next.ServeHTTP(w, req)
		})
	})
	_, tree := fetched(t, newStore(t, git.Credentials{}), onMain(url))
	wantFile(t, tree, "apps/web.yaml", "replicas: 2\n")
}

type replayed struct {
	*strings.Reader
	closer interface{ Close() error }
}

func (r *replayed) Close() error { return r.closer.Close() }

func TestServersThatDoNotAnswerAsTheyShould(t *testing.T) {
	r := newInfra(t)
	private, public, err := gitserver.GenerateKey()
	must(t, err)
	shell := serveSSH(t, r, gitserver.SSHOptions{AuthorizedKeys: [][]byte{public}})
	credentials := git.Credentials{SSHKey: private, KnownHosts: shell.KnownHosts}
	answering := func(status int, contentType, body string) string {
		return serveVia(t, r, func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", contentType)
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
			})
		})
	}
	const advertisement = "application/x-git-upload-pack-advertisement"
	free, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	nobody := free.Addr().String()
	must(t, free.Close())
	file := filepath.Join(r.Dir, "HEAD")
	web := serveHTTP(t, r, gitserver.HTTPOptions{}).URL
	sha256, err := gitserver.Init(filepath.Join(r.root, "org", "sha256.git"), "--object-format=sha256")
	must(t, err)
	_, err = sha256.Commit(gitserver.Commit{Files: map[string]string{"a": "b"}})
	must(t, err)

	for _, test := range []struct {
		name, url, want string
	}{
		{"nobody answers", "http://" + nobody + infraName,
			"connecting to URL: dial tcp " + nobody + ": connect: connection refused"},
		{"nobody answers by SSH", "ssh://git@" + nobody + infraName,
			"connecting to URL: dial tcp " + nobody + ": connect: connection refused"},
		{"no such repository", web + "/org/infar.git",
			"fetching URL: there is no repository at this URL, or the credentials don't show it"},
		{"no such repository by SSH", shell.URL + "/org/infar.git",
			"fetching URL: there is no repository at this URL, or the credentials don't show it"},
		{"no such folder", r.root + "/org/infar.git",
			"fetching URL: no such folder"},
		{"a folder without a repository", r.root,
			"fetching URL: the folder holds no Git repository"},
		{"a file instead of a folder", file,
			"fetching URL: it is not a folder"},
		{"hashes that are too new", web + "/org/sha256.git",
			"fetching URL: the repository's objectformat is sha256, which is not supported: only sha1 is"},
		{"hashes that are too new, on disk", sha256.Dir,
			"fetching URL: the repository's objectformat is sha256, which is not supported: only sha1 is"},
		{"a web page", answering(200, "text/html; charset=utf-8", "<html>"),
			`fetching URL: no Git server answers there (but something that sends "text/html")`},
		{"access refused", answering(403, "text/html", "no"),
			`fetching URL: access refused: add username and password, or bearerToken, to Secret "infra"`},
		{"a broken server", answering(502, "text/html", "oops"),
			"fetching URL: the server answers 502 Bad Gateway"},
		{"an answer cut short", answering(200, advertisement, "001e# service=git-upload-pack\n0000"),
			"fetching URL: the server's answer can't be read: pkt-line 3: EOF"},
		{"a complaint in the protocol", answering(200, advertisement, "001aERR quota\x1b[2J is used\n"),
			"fetching URL: the server says: quota [2J is used"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := newStore(t, credentials).Resolve(t.Context(), "infra", withSecret(onMain(test.url)))
			wantError(t, err, strings.Replace(test.want, "URL", test.url, 1))
		})
	}
}

func TestServersThatHang(t *testing.T) {
	r := newInfra(t)
	hanging, err := net.Listen("tcp", "127.0.0.1:0") // which connects, and never answers
	must(t, err)
	defer hanging.Close()
	halfway := serveVia(t, r, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Method == http.MethodPost {
				w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
				_, _ = w.Write([]byte("0008NAK\n"))
				w.(http.Flusher).Flush()
				<-req.Context().Done()
				return
			}
			next.ServeHTTP(w, req)
		})
	})
	private, _, err := gitserver.GenerateKey()
	must(t, err)
	knownHosts := serveSSH(t, r, gitserver.SSHOptions{}).KnownHosts
	credentials := secret(git.Credentials{SSHKey: private, KnownHosts: knownHosts})
	store := git.New(t.TempDir(), credentials, git.Options{Timeout: 200 * time.Millisecond})

	for _, test := range []struct{ name, url string }{
		{"from the start", "http://" + hanging.Addr().String() + infraName},
		{"from the start, by SSH", "ssh://" + hanging.Addr().String() + infraName},
		{"in the middle of a fetch", halfway},
	} {
		t.Run(test.name, func(t *testing.T) {
			revision := gitindex.Revision{Name: "main", Commit: r.second}
			_, err := store.Tree(t.Context(), "infra", withSecret(onMain(test.url)), revision)
			wantError(t, err, "fetching "+test.url+": the server did not answer in full within 200ms")
		})
	}
}

func TestAFetchThatIsTooLarge(t *testing.T) {
	r := newInfra(t)
	noise := make([]byte, 100<<10)
	_, err := rand.Read(noise)
	must(t, err)
	r.commit(gitserver.Commit{Files: map[string]string{"noise": string(noise)}})
	private, public, err := gitserver.GenerateKey()
	must(t, err)
	shell := serveSSH(t, r, gitserver.SSHOptions{AuthorizedKeys: [][]byte{public}})
	credentials := secret(git.Credentials{SSHKey: private, KnownHosts: shell.KnownHosts})
	store := git.New(t.TempDir(), credentials, git.Options{MaxFetchSize: 64 << 10})

	for _, url := range []string{
		serveHTTP(t, r, gitserver.HTTPOptions{}).URL + infraName,
		shell.URL + infraName,
		"file://" + r.Dir,
	} {
		repository := withSecret(onMain(url))
		revision, err := store.Resolve(t.Context(), "infra", repository)
		must(t, err)
		_, err = store.Tree(t.Context(), "infra", repository, revision)
		wantError(t, err, "fetching "+url+": there is more to transfer than the limit of 64 KiB for one fetch")
	}
}

func TestATagThatIsNoCommit(t *testing.T) {
	r := newInfra(t)
	blob, err := r.Git("rev-parse", "main:README.md")
	must(t, err)
	must(t, r.Tag("text", blob))
	url := serveHTTP(t, r, gitserver.HTTPOptions{}).URL + infraName
	store := newStore(t, git.Credentials{})
	repository := at(url, gitindex.Ref{Tag: "text"})
	revision, err := store.Resolve(t.Context(), "infra", repository)
	must(t, err)
	_, err = store.Tree(t.Context(), "infra", repository, revision)
	wantError(t, err, "fetching "+url+": "+blob+" is a blob, not a commit")
}
