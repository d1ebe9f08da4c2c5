package agents_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/e2e/auditlog"
	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/e2e/stage"
	"gitonly.dev/gitonly/examples"
)

// patience is how long a test waits for what must come in the end.
const patience = 4 * time.Minute

// scene is a cluster, a repository with examples/infra in it, and gitonly between them.
type scene struct {
	*stage.Stage
	repository *gitserver.Repository
	url        string
	commit     string // the newest
	webhook    *stage.Webhook
	client     client.Client // as admin
	auditLog   string
}

// open sets a scene without gitonly yet. more is changed in the repository.
func open(ctx context.Context, t *testing.T, more gitserver.Commit) *scene {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts a real API server and a real agent")
	}
	dir := t.TempDir()
	s := &scene{auditLog: filepath.Join(dir, "audit.log")}
	policy := filepath.Join(dir, "audit-policy.yaml")
	if err := os.WriteFile(policy, []byte(auditlog.Policy), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	s.Stage, err = stage.Start(ctx, stage.Options{Dir: dir, APIServerArgs: []string{
		"--audit-policy-file=" + policy, "--audit-log-path=" + s.auditLog,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	if s.client, err = client.New(s.Plane.Admin.Config, client.Options{}); err != nil {
		t.Fatal(err)
	}
	s.serve(t, filepath.Join(dir, "git"), more)
	return s
}

// serve fills the repository and serves it.
func (s *scene) serve(t *testing.T, dir string, more gitserver.Commit) {
	t.Helper()
	infra, err := fs.Sub(examples.FS, "infra")
	if err != nil {
		t.Fatal(err)
	}
	files, err := gitserver.Files(infra)
	if err != nil {
		t.Fatal(err)
	}
	if s.repository, err = gitserver.Init(filepath.Join(dir, "infra.git")); err != nil {
		t.Fatal(err)
	}
	server, err := gitserver.ServeHTTP(dir, gitserver.HTTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	s.url = server.URL + "/infra.git"
	s.push(t, gitserver.Commit{Files: files})
	for path, text := range more.Files {
		more.Files[path] = strings.ReplaceAll(text, "$GIT_URL", s.url)
	}
	s.push(t, more)
}

// push makes a commit.
func (s *scene) push(t *testing.T, c gitserver.Commit) {
	t.Helper()
	commit, err := s.repository.Commit(c)
	if err != nil {
		t.Fatal(err)
	}
	s.commit = commit
}

// edit commits a file with old replaced by new.
func (s *scene) edit(t *testing.T, path, old, new string) {
	t.Helper()
	text, err := s.repository.Git("show", "main:"+path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, old) {
		t.Fatalf("%s has no %q to replace:\n%s", path, old, text)
	}
	s.push(t, gitserver.Commit{Files: map[string]string{path: strings.ReplaceAll(text, old, new) + "\n"}})
}

func (s *scene) close() error {
	if s.webhook != nil {
		s.webhook.Stop()
	}
	return s.Stop()
}

// object reads an object; nil if there is none. kind is written as kind.version.group.
func (s *scene) object(ctx context.Context, kind, namespace, name string) (*unstructured.Unstructured, error) {
	parsed, _ := schema.ParseKindArg(kind)
	if parsed == nil {
		parsed = &schema.GroupVersionKind{Version: "v1", Kind: kind}
	}
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(*parsed)
	err := s.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, o)
	if client.IgnoreNotFound(err) != nil {
		return nil, err
	}
	if err != nil {
		return nil, nil
	}
	return o, nil
}

// field is a value of an object as text; empty if the object or the field isn't there.
func field(o *unstructured.Unstructured, path ...string) string {
	if o == nil {
		return ""
	}
	value, _, _ := unstructured.NestedString(o.Object, path...)
	return value
}

// eventually waits until check says that something is so, and says what was so instead if it never is.
func eventually(ctx context.Context, t *testing.T, what string, check func() (ok bool, is string, err error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	last := ""
	err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(context.Context) (bool, error) {
		ok, is, err := check()
		if err != nil {
			is = err.Error() // as while the API server takes a new kind up
		}
		last = is
		return ok && err == nil, nil
	})
	if err != nil {
		t.Fatalf("%s: not so after %s; it is: %s", what, patience, last)
	}
}

var (
	age    = regexp.MustCompile(`\(checked [0-9]+[smhd] ago\)`)
	prefix = `Error from server (Forbidden): admission webhook "validate.gitonly.dev" denied the request: gitonly: `

	// emergencyLine is the end of what people read, which the scenarios have in
	// each of its forms.
	emergencyLine = regexp.MustCompile(`(?m)^In an emergency, (annotate it with gitonly\.dev/break-glass: "<why>" \(you may\)|somebody with the verb break-glass on [a-z.]+ can let this pass)\.\n`)
)

// refused runs kubectl as a user, and compares what the user reads. In want, $REV and $GIT_URL are this run's.
func (s *scene) refused(ctx context.Context, t *testing.T, user, want string, args ...string) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := s.Plane.Kubectl(ctx, s.Users[user], args...)
	cmd.Stderr = &stderr
	if err := cmd.Run(); err == nil {
		t.Errorf("kubectl %q as %s: it went through", args, user)
		return
	}
	got := strings.NewReplacer("main@"+s.commit[:7], "main@$REV", s.url, "$GIT_URL", prefix, "").Replace(stderr.String())
	got = age.ReplaceAllString(got, "(checked AGE ago)")
	got = emergencyLine.ReplaceAllString(got, "")
	if diff := gocmp.Diff(strings.Split(want, "\n"), strings.Split(strings.TrimSuffix(got, "\n"), "\n")); diff != "" {
		t.Errorf("kubectl %q as %s (-want +got):\n%s\n%s", args, user, diff, got)
	}
}

// accepted runs kubectl as a user.
func (s *scene) accepted(ctx context.Context, t *testing.T, user string, args ...string) {
	t.Helper()
	if out, err := s.Plane.Kubectl(ctx, s.Users[user], args...).CombinedOutput(); err != nil {
		t.Errorf("kubectl %q as %s: %v\n%s", args, user, err, out)
	}
}

// neverRefused checks that gitonly saw writes of each of these users, and refused none.
func (s *scene) neverRefused(t *testing.T, users ...string) {
	t.Helper()
	records, err := auditlog.Read(s.auditLog)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, r := range records {
		if r.Verdict("reason") != "" || r.Refused() {
			seen[r.Actor()]++
		}
		for _, user := range users {
			if r.Actor() == user && r.Refused() {
				t.Errorf("refused: %s", r)
			}
		}
	}
	for _, user := range users {
		if seen[user] == 0 {
			t.Errorf("gitonly never saw %s; it saw %v", user, seen)
		}
	}
}

// rollsOut waits until a Pod of the guestbook runs an image, as the control plane makes one of a new template.
func (s *scene) rollsOut(ctx context.Context, t *testing.T, namespace, image string) {
	t.Helper()
	eventually(ctx, t, "a Pod has image "+image, func() (bool, string, error) {
		pods := &unstructured.UnstructuredList{}
		pods.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: "PodList"})
		if err := s.client.List(ctx, pods, client.InNamespace(namespace)); err != nil {
			return false, "", err
		}
		var images []string
		for _, pod := range pods.Items {
			containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", "containers")
			for _, c := range containers {
				value, _, _ := unstructured.NestedString(c.(map[string]any), "image")
				images = append(images, value)
			}
		}
		is := strings.Join(images, " ")
		return strings.Contains(" "+is+" ", " "+image+" "), is, nil
	})
}

// gone waits until an object isn't there.
func (s *scene) gone(ctx context.Context, t *testing.T, kind, namespace, name string) {
	t.Helper()
	eventually(ctx, t, kind+" "+namespace+"/"+name+" is gone", func() (bool, string, error) {
		o, err := s.object(ctx, kind, namespace, name)
		return o == nil, "there", err
	})
}

// secretless checks that no log of gitonly or the API server shows a value, nor its encoding.
func (s *scene) secretless(t *testing.T, values ...string) {
	t.Helper()
	for _, path := range []string{s.webhook.Log, s.auditLog} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range values {
			encoded := base64.StdEncoding.EncodeToString([]byte(value))
			if bytes.Contains(text, []byte(value)) || bytes.Contains(text, []byte(encoded)) {
				t.Errorf("%s shows the value of a secret", filepath.Base(path))
			}
		}
	}
}

// conditions are an object's, in a line.
func conditions(o *unstructured.Unstructured) string {
	if o == nil {
		return "there is none"
	}
	all, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	var text []string
	for _, c := range all {
		condition, _ := c.(map[string]any)
		text = append(text, fmt.Sprintf("%v=%v: %v", condition["type"], condition["status"], condition["message"]))
	}
	return strings.Join(text, "; ")
}
