package badsources_test

import (
	"fmt"
	"net/http"
	"path"
	"runtime"
	"strings"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// bad is a source that is good at first, and then goes wrong: its files do, or
// its server.
type bad struct {
	name   string // of the source, and of the folder that is rendered
	format gitindex.Format
	files  map[string]string // after the change, in the folder
	links  map[string]string
	server http.Handler // after the change; nil for Git's own
	hurry  bool         // the server is not to be waited for
	linux  bool         // nothing else bounds it
	memory bool         // it is memory that is bounded
	want   string       // all that is said of it, with URL and REV; empty if nothing is
}

// asking reports whether the source goes wrong before its files are there.
func (b bad) asking() bool { return b.server != nil }

func (b bad) message(r *room, revision string) string {
	return strings.NewReplacer("URL", r.server.URL+"/"+b.name+".git", "REV", revision).Replace(b.want)
}

// start adds the source, still good, and waits until it is loaded.
func (b bad) start(r *room) (declared string) {
	r.t.Helper()
	files := map[string]string{b.name + "/a.yaml": configMap(b.name, "1")}
	if b.format == gitindex.Jsonnet {
		files = map[string]string{b.name + "/a.jsonnet": fmt.Sprintf(`{apiVersion: "v1", kind: "ConfigMap", metadata: {name: %q, namespace: "prod"}, data: {v: "1"}}`, b.name)}
	}
	declared = "1 at " + r.commit(b.name, gitserver.Commit{Files: files})
	r.add(b.name, gitindex.Location{Path: b.name, Render: b.format})
	r.until(b.name+" as it is at first", func() bool { return r.declared(b.name) == declared })
	return declared
}

// turn makes the source bad, and has it looked at.
func (b bad) turn(r *room) (revision string) {
	r.t.Helper()
	c := gitserver.Commit{Replace: true, Files: map[string]string{}, Symlinks: map[string]string{}}
	for name, content := range b.files {
		c.Files[path.Join(b.name, name)] = content
	}
	for name, target := range b.links {
		c.Symlinks[path.Join(b.name, name)] = target
	}
	revision = r.commit(b.name, c)
	if b.hurry {
		r.fetcher.hurry.Store(b.name, true)
	}
	r.serve(b.name, b.server)
	r.refresher.Refresh(b.name)
	return revision
}

// skipped is why the source can't be tried here, if it can't.
func (b bad) skipped() string {
	switch {
	case b.linux && runtime.GOOS != "linux":
		return "only Linux bounds both time and memory"
	case b.memory && raceDetector:
		return "the race detector takes more memory than the child that renders has, and ends it in its own way"
	}
	return ""
}

func badFiles() []bad {
	const chart = "apiVersion: v2\nname: web\nversion: 1.2.3\n"
	return []bad{
		{
			name: hasty, linux: true, format: gitindex.Auto,
			files: map[string]string{"Chart.yaml": chart, "templates/a.yaml": "{{ range 1000000000000 }}{{ end }}"},
			want:  "rendering loops at REV: loops/Chart.yaml: rendering takes more than 1s of processor time: look for a loop in it",
		},
		{
			name: "grows", linux: true, memory: true, format: gitindex.Auto,
			files: map[string]string{"Chart.yaml": chart, "templates/a.yaml": "{{ range 1000000000000 }}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{{ end }}"},
			want:  "rendering grows at REV: grows/Chart.yaml: rendering takes more than 256 MiB of memory: look for a loop in it, or split it",
		},
		{
			name: "doubles", linux: true, memory: true, format: gitindex.Jsonnet,
			files: map[string]string{"a.jsonnet": "std.foldl(function(a, b) a + a, std.range(1, 60), 'x')\n"},
			want:  "rendering doubles at REV: doubles/a.jsonnet: rendering takes more than 256 MiB of memory: look for a loop in it, or split it",
		},
		{
			name: "aliases", format: gitindex.Plain,
			files: map[string]string{"a.yaml": aliases(10)},
			want:  "rendering aliases at REV: aliases/a.yaml:6: invalid YAML: its aliases stand for more than 8 MiB; write them out",
		},
		{
			name: "itself", format: gitindex.Auto,
			files: map[string]string{"kustomization.yaml": "resources: [b]\n", "b/kustomization.yaml": "resources: [..]\n"},
			want:  "rendering itself at REV: itself/b/kustomization.yaml:1: resource .. takes in itself, which this kustomization is a part of: take one of the two out",
		},
		{
			name: "links", format: gitindex.Plain,
			links: farm(),
			want:  "rendering links at REV: links/y.yaml: it can't be read: links/x: more than 40 symlinks lead on from one to the next",
		},
		{
			name: "farm", format: gitindex.Auto,
			files: map[string]string{"kustomization.yaml": "resources: [f0/up/f1/f2/up/z.yaml]\n"},
			links: farm(),
			want:  "rendering farm at REV: farm/kustomization.yaml:1: resource f0/up/f1/f2/up/z.yaml: it can't be read: farm/y.yaml: more than 40 symlinks lead on from one to the next",
		},
	}
}

// aliases is a list of that many lines, each with nine times the one before.
func aliases(lines int) string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x]\n")
	for i := range lines - 1 {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 9), ","))
	}
	return b.String()
}

// farm is folders that hold links to one another, to themselves and to where
// they are, and a file that is only links.
func farm() map[string]string {
	links := map[string]string{"z.yaml": "y.yaml", "y.yaml": "x/z.yaml", "x": "."}
	for i := range 20 {
		for j := range 20 {
			links[fmt.Sprintf("f%d/f%d", i, j)] = fmt.Sprintf("../f%d", j)
		}
		links[fmt.Sprintf("f%d/up", i)] = ".."
	}
	return links
}

func badServers() []bad {
	answer := func(contentType, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			_, _ = w.Write([]byte(body))
		})
	}
	const advertisement = "application/x-git-upload-pack-advertisement"
	return []bad{
		{
			name: "silent", hurry: true,
			server: http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }),
			want:   "asking for main: fetching URL: the server did not answer in full within 200ms",
		},
		{
			name:   "garbage",
			server: answer(advertisement, "\x00\xff garbage \x1b[2J\n"),
			want:   "asking for main: fetching URL: the server's answer can't be read: invalid pkt-len found",
		},
		{
			name: "noise",
			server: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
					_, _ = conn.Write([]byte("\x00\xff garbage \x1b[2J\n"))
					_ = conn.Close()
				}
			}),
			want: `asking for main: connecting to URL: net/http: HTTP/1.x transport connection broken: malformed HTTP status code "garbage"`,
		},
		{
			name:   "endless-refs",
			server: http.HandlerFunc(endlessRefs),
			want:   "asking for main: fetching URL: the server lists more than 32 MiB of branches, tags and other refs: have it hide some",
		},
		{
			name: "locked",
			server: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
				http.Error(w, "who are you?", http.StatusUnauthorized)
			}),
			want: `asking for main: fetching URL: authentication refused: check Secret "infra"`,
		},
	}
}

// endlessRefs lists branches for as long as anybody listens.
func endlessRefs(w http.ResponseWriter, _ *http.Request) {
	const commit = "1111111111111111111111111111111111111111"
	w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
	line := func(text string) error {
		_, err := fmt.Fprintf(w, "%04x%s", len(text)+4, text)
		return err
	}
	_, err := fmt.Fprint(w, "001e# service=git-upload-pack\n0000")
	if err == nil {
		err = line(commit + " refs/heads/main\x00side-band-64k\n")
	}
	for i := 0; err == nil; i++ {
		err = line(fmt.Sprintf("%s refs/heads/b%d\n", commit, i))
	}
}
