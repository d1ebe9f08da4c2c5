package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/e2e/stage"
)

// scene is the cluster with the corpus in it, and gitonly in front.
type scene struct {
	stage   *stage.Stage
	webhook *stage.Webhook
	person  dynamic.Interface // in system:masters, who may do anything but for gitonly
	agent   dynamic.Interface
	mapper  *restmapper.DeferredDiscoveryRESTMapper
	types   *types
	things  []*thing
	proved  []result // the changes that gitonly refused in the mutation sweep
	dir     string
	audit   string // the API server's audit log
}

const guardPolicy = `apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: everything}
spec:
  mode: Enforce
  undecidable: Deny
  undeclaredFields: {people: Deny, serviceAccounts: Deny}
  undeclaredObjects: {serviceAccounts: Deny}
  agents:
    subjects:
    - {kind: ServiceAccount, namespace: flux-system, name: kustomize-controller}
`

// open starts the scene.
func open(ctx context.Context, t *testing.T) *scene {
	t.Helper()
	dir := t.TempDir()
	s := &scene{dir: dir, audit: filepath.Join(dir, "audit.log")}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	must(write(filepath.Join(dir, "audit.yaml"), auditPolicy))
	s.stage, err = stage.Start(ctx, stage.Options{
		Dir: dir, Progress: t.Output(),
		APIServerArgs: []string{"--audit-policy-file=" + filepath.Join(dir, "audit.yaml"), "--audit-log-path=" + s.audit},
	})
	must(err)
	t.Cleanup(func() {
		if err := s.stage.Stop(); err != nil {
			t.Error(err)
		}
	})
	must(s.connect())
	config, err := s.commit(t)
	must(err)
	must(s.load(ctx))
	must(s.applyAll(ctx))
	s.types, err = newTypes(s.things)
	must(err)
	s.webhook, err = s.stage.StartWebhook(stage.WebhookOptions{Name: "sweep", Config: config})
	must(err)
	t.Cleanup(s.webhook.Stop)
	must(s.webhook.WaitReady(ctx))
	must(s.webhook.Register(ctx, stage.Registration{}, "sweep"))
	return s
}

func (s *scene) connect() error {
	var err error
	admin := rest.CopyConfig(s.stage.Users["admin"].Config)
	agent := rest.CopyConfig(s.stage.Users["agent"].Config)
	// What the API server thinks of the corpus is of no interest.
	admin.WarningHandler, agent.WarningHandler = rest.NoWarnings{}, rest.NoWarnings{}
	if s.person, err = dynamic.NewForConfig(admin); err != nil {
		return err
	}
	if s.agent, err = dynamic.NewForConfig(agent); err != nil {
		return err
	}
	client, err := discovery.NewDiscoveryClientForConfig(admin)
	if err != nil {
		return err
	}
	s.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client))
	return nil
}

// commit makes the repository, serves it, and writes the webhook's
// configuration.
func (s *scene) commit(t *testing.T) (config string, err error) {
	files, err := repositoryFiles()
	if err != nil {
		return "", err
	}
	for name, content := range files {
		if err := write(filepath.Join(s.dir, "checkout", name), content); err != nil {
			return "", err
		}
	}
	repository, err := gitserver.Init(filepath.Join(s.dir, "git", "corpus.git"))
	if err != nil {
		return "", err
	}
	if _, err := repository.Commit(gitserver.Commit{Files: files}); err != nil {
		return "", err
	}
	server, err := gitserver.ServeHTTP(filepath.Join(s.dir, "git"), gitserver.HTTPOptions{})
	if err != nil {
		return "", err
	}
	t.Cleanup(func() { _ = server.Close() })
	source := "apiVersion: gitonly.dev/v1alpha1\nkind: GitSource\nmetadata: {name: corpus}\nspec:\n  interval: 1h\n  git:\n" +
		"    url: " + server.URL + "/corpus.git\n    ref: {branch: main}\n    paths:\n"
	for _, at := range append(locations[:len(locations):len(locations)], roundAt) {
		source += fmt.Sprintf("    - {path: %s, namespace: %s}\n", at.path, at.namespace)
	}
	config = filepath.Join(s.dir, "config")
	return config, errors.Join(write(filepath.Join(config, "source.yaml"), source), write(filepath.Join(config, "policy.yaml"), guardPolicy))
}

func write(name, content string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(content), 0o600)
}

// load reads what is declared.
func (s *scene) load(ctx context.Context) error {
	for _, at := range locations {
		objects, err := s.declared(ctx, filepath.Join(s.dir, "checkout"), at)
		if err != nil {
			return err
		}
		for _, object := range objects {
			s.things = append(s.things, newThing(s, object))
		}
	}
	sortThings(s.things)
	return nil
}

func sortThings(things []*thing) {
	slices.SortStableFunc(things, func(a, b *thing) int { return cmp.Compare(a.order(), b.order()) })
}

// applyAll has the agent apply everything, as Flux does.
func (s *scene) applyAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var problems []error
	for _, t := range s.things {
		if err := t.served(ctx, (*thing).apply); err != nil {
			problems = append(problems, fmt.Errorf("applying %s: %w", t.name, err))
		}
	}
	return errors.Join(problems...)
}

// kubectl is the command kubectl, as a user of the stage.
func (s *scene) kubectl(ctx context.Context, user string, args ...string) *exec.Cmd {
	return s.stage.Plane.Kubectl(ctx, s.stage.Users[cmp.Or(user, "admin")], args...)
}

// manifests are objects as one file.
func manifests(objects []map[string]any) ([]byte, error) {
	var all []byte
	for _, object := range objects {
		text, err := yaml.Marshal(object)
		if err != nil {
			return nil, err
		}
		all = append(append(all, "---\n"...), text...)
	}
	return all, nil
}
