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
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
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

// thing is a declared object.
type thing struct {
	scene   *scene
	name    string         // such as Deployment sweep/web
	git     map[string]any // as Git has it
	applied map[string]any // as the agent applies it
	person  dynamic.ResourceInterface
	agent   dynamic.ResourceInterface
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

func newThing(s *scene, git map[string]any) *thing {
	object := unstructured.Unstructured{Object: git}
	name := object.GetKind() + " " + strings.TrimPrefix(object.GetNamespace()+"/"+object.GetName(), "/")
	return &thing{scene: s, name: name, git: git, applied: decrypted(git)}
}

// order has what others need come first.
func (t *thing) order() int {
	kinds := []any{"Namespace", "CustomResourceDefinition", "PriorityClass", "RuntimeClass", "ServiceAccount", "Node"}
	if i := slices.Index(kinds, t.git["kind"]); i >= 0 {
		return i
	}
	return len(kinds)
}

// applyAll has the agent apply everything, as Flux does.
func (s *scene) applyAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var problems []error
	for _, t := range s.things {
		if err := t.served(ctx, (*thing).apply); err != nil {
			problems = append(problems, fmt.Errorf("applying %s: %w", t.name, err))
		}
	}
	return errors.Join(problems...)
}

// served waits for the thing's kind, which is served some time after its
// definition is there.
func (t *thing) served(ctx context.Context, do func(*thing, context.Context) error) error {
	return wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		err := do(t, ctx)
		if meta.IsNoMatchError(err) || apierrors.IsNotFound(err) {
			return false, nil
		}
		return true, err
	})
}

// connect finds out where the API server serves the thing.
func (t *thing) connect() error {
	object := unstructured.Unstructured{Object: t.applied}
	gvk := object.GroupVersionKind()
	mapping, err := t.scene.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		t.scene.mapper.Reset()
		return err
	}
	person, agent := t.scene.person.Resource(mapping.Resource), t.scene.agent.Resource(mapping.Resource)
	t.person, t.agent = person, agent
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		t.person, t.agent = person.Namespace(object.GetNamespace()), agent.Namespace(object.GetNamespace())
	}
	return nil
}

// apply has the agent apply the thing, as Flux does.
func (t *thing) apply(ctx context.Context) error {
	if err := t.connect(); err != nil {
		return err
	}
	object := &unstructured.Unstructured{Object: t.applied}
	_, err := t.agent.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: "kustomize-controller", Force: true})
	return err
}

// live is the object in the cluster.
func (t *thing) live(ctx context.Context) (*unstructured.Unstructured, error) {
	object, err := t.person.Get(ctx, t.objectName(), metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", t.name, err)
	}
	return object, nil
}

func (t *thing) objectName() string {
	return (&unstructured.Unstructured{Object: t.git}).GetName()
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
