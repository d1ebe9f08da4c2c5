package e2e_test

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/ssh"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/e2e/stage"
)

// patience is how long a scenario waits for what must come in the end.
const patience = 3 * time.Minute

// scenarioLabel is on each namespace of a scenario, so that only its own
// webhook is asked about them.
const scenarioLabel = "scenario"

// scenario is what a script plays with: its namespaces, its repository, its
// webhook. Nothing of it is another script's.
type scenario struct {
	t       testing.TB
	cluster *cluster
	name    string // of the script, the namespace, the repository and the webhook
	dir     string // $WORK

	repository *gitserver.Repository
	signer     ssh.Signer            // of $SIGNING_KEY
	server     *gitserver.HTTPServer // $GIT_URL
	secured    *gitserver.HTTPServer // $SECURED_GIT_URL, with $GIT_CA and a token
	address    string                // of the server
	webhook    *stage.Webhook
	since      int64 // size of the audit log when the webhook was started
	registered bool
	kinds      bool // gitonly's own are installed

	variables variables
	last      *action           // the last command that a user ran
	goldens   map[string]string // what -update writes, by file
}

type scenarioKey struct{}

// open sets the scene before a script's first line.
func open(ctx context.Context, c *cluster, env *testscript.Env) (*scenario, error) {
	t := env.T().(testing.TB)
	name := filepath.Base(t.Name())
	scene := &scenario{t: t, cluster: c, name: name, dir: env.WorkDir, variables: variables{}}
	if err := scene.fill("scenarios/given"); err != nil {
		return nil, err
	}
	if err := scene.openRepository(); err != nil {
		return nil, err
	}
	if err := scene.addNamespace(ctx, name, nil); err != nil {
		return nil, err
	}
	for _, user := range []string{"admin", "developer", "colleague", "agent", "ci"} {
		if err := scene.addUser(user); err != nil {
			return nil, err
		}
	}
	scene.variables["NAMESPACE"] = name
	scene.variables["WORK"] = env.WorkDir
	for name, value := range scene.variables {
		env.Setenv(name, value)
	}
	env.Setenv("PATH", c.Path())
	return scene, scene.expandFiles()
}

// expandFiles puts this run's values into the script's files.
func (s *scenario) expandFiles() error {
	return filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && strings.HasPrefix(entry.Name(), ".") {
			return cmp.Or(err, fs.SkipDir)
		}
		if entry.IsDir() {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, []byte(s.variables.expand(string(content))), 0o644)
	})
}

// fill gives the script the files of a folder that it doesn't bring itself:
// each of config, and repo as a whole.
func (s *scenario) fill(given string) error {
	if _, err := os.Stat(filepath.Join(s.dir, "repo")); os.IsNotExist(err) {
		if err := os.CopyFS(filepath.Join(s.dir, "repo"), os.DirFS(filepath.Join(given, "repo"))); err != nil {
			return err
		}
	}
	files, err := filepath.Glob(filepath.Join(given, "config", "*.yaml"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(s.dir, "config"), 0o755); err != nil {
		return err
	}
	for _, file := range files {
		own := filepath.Join(s.dir, "config", filepath.Base(file))
		if _, err := os.Stat(own); err == nil {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(own, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// addNamespace makes a namespace of the scenario's, and waits until Pods can be
// made in it.
func (s *scenario) addNamespace(ctx context.Context, name string, labels map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := kubernetes.NewForConfig(s.cluster.Plane.Admin.Config)
	if err != nil {
		return err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{scenarioLabel: s.name}}}
	for key, value := range labels {
		namespace.Labels[key] = value
	}
	if _, err := client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return err
	}
	return wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().ServiceAccounts(name).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, nil
	})
}

// close strikes the scene, and fails the test if the webhook didn't live
// through it.
func (s *scenario) close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if problem := s.last.unread(); problem != "" && !s.t.Failed() {
		s.t.Error(problem)
	}
	if err := s.writeGoldens(); err != nil {
		s.t.Error(err)
	}
	if s.webhook != nil {
		s.closeWebhook(ctx)
	}
	if s.kinds {
		s.clear(ctx)
	}
	if err := errors.Join(s.server.Close(), s.secured.Close()); err != nil {
		s.t.Errorf("stopping the git servers: %v", err)
	}
	client, err := kubernetes.NewForConfig(s.cluster.Plane.Admin.Config)
	if err != nil {
		s.t.Error(err)
		return
	}
	// One can only ask for a namespace's end; the control plane takes its time.
	namespaces, err := client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: scenarioLabel + "=" + s.name})
	if err != nil {
		s.t.Error(err)
		return
	}
	for _, namespace := range namespaces.Items {
		if err := client.CoreV1().Namespaces().Delete(ctx, namespace.Name, metav1.DeleteOptions{}); err != nil {
			s.t.Errorf("deleting namespace %s: %v", namespace.Name, err)
		}
	}
}

// variables are what differs from one run to the next, by the names that
// scripts and golden files use.
type variables map[string]string

// expand replaces $NAMES by values.
func (v variables) expand(text string) string {
	return os.Expand(text, func(name string) string {
		if value, ok := v[name]; ok {
			return value
		}
		return "$" + name
	})
}

// set makes a value known to the script too.
func (s *scenario) set(ts *testscript.TestScript, name, value string) {
	s.variables[name] = value
	ts.Setenv(name, value)
}
