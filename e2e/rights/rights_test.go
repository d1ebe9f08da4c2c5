package rights_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"gitonly.dev/gitonly/charts"
	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/e2e/stage"
)

// TestMain has many processes run at once: they mostly wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "10"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// TestWithoutEachRightSomethingFails takes each right of the chart away by itself,
// and sees what the table in docs/security.md says.
func TestWithoutEachRightSomethingFails(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a control plane")
	}
	s := open(t)
	lanes := map[string][]row{}
	for i, row := range rows() {
		lane := row.lane
		if lane == "" {
			lane = fmt.Sprintf("gitonly-%d", i)
		}
		lanes[lane] = append(lanes[lane], row)
	}
	s.install(t, lanes)
	first := s.start(t, main, lanes[main])
	first.leads()
	longest := func(a, b string) int { return cmp.Or(len(lanes[b])-len(lanes[a]), strings.Compare(a, b)) }
	for _, lane := range slices.SortedFunc(maps.Keys(lanes), longest) {
		name, rows := lane, lanes[lane]
		if len(rows) == 1 {
			name = rows[0].String()
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := first
			if lane != main {
				p = s.start(t, lane, rows)
			}
			p.t = t
			for _, row := range rows {
				p.try(&row)
			}
		})
	}
}

// scene is a cluster in which processes lack rights.
type scene struct {
	*stage.Stage
	admin      client.Client
	url        string            // of the repository
	namespaces map[string]string // by release
}

func open(t *testing.T) *scene {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &scene{namespaces: map[string]string{}}
	var err error
	s.Stage, err = stage.Start(t.Context(), stage.Options{Dir: t.TempDir(), Progress: t.Output()})
	must(err)
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	log.SetLogger(logr.Discard()) // the client's, which has nothing to say
	s.admin, err = client.New(s.Plane.Admin.Config, client.Options{})
	must(err)
	repository, err := gitserver.Init(filepath.Join(t.TempDir(), "infra.git"))
	must(err)
	_, err = repository.Commit(gitserver.Commit{Files: files()})
	must(err)
	server, err := gitserver.ServeHTTP(filepath.Dir(repository.Dir), gitserver.HTTPOptions{})
	must(err)
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	s.url = server.URL + "/infra.git"
	must(s.InstallCRDs(t.Context()))
	must(s.Apply(t.Context(), []byte(kinds())))
	must(s.Apply(t.Context(), []byte(strings.ReplaceAll(cluster, "$URL", s.url))))
	var declared strings.Builder
	for _, name := range configMaps {
		declared.WriteString("---\n" + strings.Replace(settings(name), "{name: ", "{namespace: shop, name: ", 1))
	}
	must(s.Apply(t.Context(), []byte(declared.String())))
	return s
}

// install gives each process what the chart gives it, but for the role view, and
// for the right that it has to start without.
func (s *scene) install(t *testing.T, lanes map[string][]row) {
	t.Helper()
	var all strings.Builder
	for lane, rows := range lanes {
		values := everything()
		values["serviceAccount"] = map[string]any{"view": false}
		values["flux"] = map[string]any{"enabled": true}
		s.namespaces[lane] = "gitonly-system"
		if rows[0].apart {
			s.namespaces[lane] = lane
			fmt.Fprintf(&all, "---\n{apiVersion: v1, kind: Namespace, metadata: {name: %s}}\n", lane)
		}
		all.WriteString(manifests(t, charts.Release{Name: lane, Namespace: s.namespaces[lane], Service: "kubectl"}, values))
		for _, row := range rows {
			if row.given != "" {
				all.WriteString("---\n" + strings.ReplaceAll(row.given, "$RELEASE", lane))
			}
		}
	}
	if err := s.Apply(t.Context(), []byte(all.String())); err != nil {
		t.Fatal(err)
	}
	if out, err := s.Plane.Kubectl(t.Context(), s.Users["admin"], "delete", "clusterrolebinding/gitonly-view").CombinedOutput(); err != nil {
		t.Fatalf("taking away the role view: %v\n%s", err, out)
	}
	for lane, rows := range lanes {
		if rows[0].lane == "" {
			s.take(t, lane, rows[0].right)
		}
	}
}

// start starts a process as what the chart makes for it.
func (s *scene) start(t *testing.T, lane string, rows []row) *process {
	t.Helper()
	namespace := s.namespaces[lane]
	user, err := s.Plane.ServiceAccountUser(t.Context(), namespace, lane)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--leader-elect", "--namespace=" + namespace, "--webhook-configuration=" + lane}
	for _, arg := range rows[0].args {
		args = append(args, strings.ReplaceAll(arg, "$RELEASE", lane))
	}
	p := &process{scene: s, t: t, name: lane}
	p.webhook, err = s.StartWebhook(stage.WebhookOptions{Name: lane, As: user, Args: args, OwnCertificates: slices.Contains(rows[0].args, ownCertificate[0])})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.webhook.Kill()
		if log, err := os.ReadFile(p.webhook.Log); err == nil && p.t.Failed() {
			t.Logf("the log of %s:\n%s", lane, log)
		}
	})
	if rows[0].lane != "" || rows[0].act != nil {
		if err := p.webhook.WaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return p
}
