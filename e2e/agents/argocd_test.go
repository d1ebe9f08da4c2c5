package agents_test

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/e2e/agents"
	"gitonly.dev/gitonly/e2e/auditlog"
	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/examples"
	"gitonly.dev/gitonly/pkg/gitindex/discover"
)

// argoTeam is an Application whose objects Argo CD replaces.
const argoTeam = `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: team, namespace: argocd}
spec:
  project: default
  source: {repoURL: https://git.example.com/org/infra.git, targetRevision: main, path: team}
  destination: {server: https://kubernetes.default.svc, namespace: staging}
  syncPolicy:
    automated: {prune: true, selfHeal: true}
    syncOptions: [Replace=true]
`

const (
	argoUser  = "system:serviceaccount:argocd:argocd-application-controller"
	guestbook = "deployment/guestbook"
)

// argoScene is a scene with Argo CD in it.
type argoScene struct {
	*scene
	synced []string // Applications
}

// sources are the names of gitonly's.
func (s *argoScene) sources() []string {
	var names []string
	for _, name := range s.synced {
		if name == "parity-references" { // it has several
			names = append(names, "Application argocd/"+name+"[0]", "Application argocd/"+name+"[2]")
			continue
		}
		names = append(names, "Application argocd/"+name)
	}
	return names
}

// argoApps are the Applications in Git: as in the example, but for how they are applied.
func argoApps(t *testing.T) map[string]string {
	t.Helper()
	bootstrap, err := fs.Sub(examples.FS, "infra/bootstrap")
	if err != nil {
		t.Fatal(err)
	}
	read, err := gitserver.Files(bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	read["apps/team.yaml"] = argoTeam
	files := map[string]string{"team/settings.yaml": teamSettings}
	for path, text := range read {
		// A sync that came before its namespace is tried again soon, and of the newest commit.
		text = strings.Replace(text, "  syncPolicy:\n", "  syncPolicy:\n    retry: {limit: 10, refresh: true, backoff: {duration: 1s, factor: 1}}\n", 1)
		if path == "apps/guestbook-production.yaml" {
			text = strings.Replace(text, "  syncPolicy:\n", "  syncPolicy:\n    syncOptions: [ServerSideApply=true]\n", 1)
		}
		files["bootstrap/"+path] = strings.ReplaceAll(text, "https://git.example.com/org/infra.git", "$GIT_URL")
	}
	return files
}

func openArgo(ctx context.Context, t *testing.T) *argoScene {
	t.Helper()
	s := &argoScene{
		scene:  open(ctx, t, gitserver.Commit{Files: argoApps(t)}),
		synced: []string{"root", "cluster-config", "guestbook-staging", "guestbook-production", "team"},
	}
	if err := agents.InstallSealedSecrets(ctx, s.Stage, t.Output()); err != nil {
		t.Fatal(err)
	}
	argo, err := agents.StartArgoCD(ctx, s.Stage, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(argo.Stop)
	for _, name := range []string{"argocd-application-controller", "argocd-server"} {
		if s.Users[name], err = s.Plane.ServiceAccountUser(ctx, "argocd", name); err != nil {
			t.Fatal(err)
		}
	}
	// The one object that is applied by hand, and before gitonly is there: later it would be refused.
	root, err := s.repository.Git("show", "main:bootstrap/root-app.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(ctx, []byte(root)); err != nil {
		t.Fatal(err)
	}
	if err := s.guard(ctx, "argoCD: {namespace: argocd}", "argocd"); err != nil {
		t.Fatal(err)
	}
	return s
}

// sync has Argo CD look at Git, and waits until it has applied the newest commit.
func (s *argoScene) sync(ctx context.Context, t *testing.T) {
	t.Helper()
	s.caughtUp(ctx, t)
	for _, name := range s.synced {
		asked := false
		eventually(ctx, t, "Application "+name+" is at "+s.commit, func() (bool, string, error) {
			o, err := s.object(ctx, "Application.v1alpha1.argoproj.io", "argocd", name)
			if o == nil {
				return false, "not there", err
			}
			if !asked {
				s.accepted(ctx, t, "admin", "annotate", "application/"+name, "--namespace=argocd", "--overwrite", "argocd.argoproj.io/refresh=normal")
				asked = true
				return false, "asked", err
			}
			status, revision := field(o, "status", "sync", "status"), field(o, "status", "sync", "revision")
			if all, of, _ := unstructured.NestedStringSlice(o.Object, "status", "sync", "revisions"); of { // of several sources
				revision = strings.Join(slices.Compact(all), " ")
			}
			_, pending := o.GetAnnotations()["argocd.argoproj.io/refresh"]
			is := fmt.Sprintf("%s at %s; %s; %s", status, revision, field(o, "status", "operationState", "message"), conditions(o))
			return status == "Synced" && revision == s.commit && !pending, is, err
		})
	}
}

// replicas waits until a guestbook has as many.
func (s *scene) replicas(ctx context.Context, t *testing.T, namespace string, want int64) {
	t.Helper()
	eventually(ctx, t, fmt.Sprintf("the guestbook in %s has %d replicas", namespace, want), func() (bool, string, error) {
		o, err := s.object(ctx, "Deployment.v1.apps", namespace, "guestbook")
		if o == nil {
			return false, "not there", err
		}
		is, _, _ := unstructured.NestedInt64(o.Object, "spec", "replicas")
		return is == want, fmt.Sprint(is), err
	})
}

func TestArgoCD(t *testing.T) {
	ctx := t.Context()
	s := openArgo(ctx, t)
	s.sync(ctx, t)
	s.rollsOut(ctx, t, "staging", "registry.example.com/guestbook:1.5.0-rc.2")
	s.rollsOut(ctx, t, "production", "registry.example.com/guestbook:1.4.2")
	s.found(ctx, t, s.sources(), "argocd/argocd-application-controller")

	t.Run("what people change by hand is refused", func(t *testing.T) {
		s.refused(ctx, t, "developer", `Deployment staging/guestbook is declared in Git: apps/overlays/staging at main@$REV (checked AGE ago).
This request departs from it:
  spec.replicas: Git says 1, the request says 5   (apps/overlays/staging/patch-replicas.yaml)
Change it there: apps/overlays/staging/patch-replicas.yaml in $GIT_URL`,
			"scale", guestbook, "--namespace=staging", "--replicas=5")
		s.refused(ctx, t, "admin", `Deployment production/guestbook is declared in Git: apps/overlays/production at main@$REV (checked AGE ago).
This request departs from it:
  spec.replicas: Git says 5, the request says 2   (apps/overlays/production/kustomization.yaml)
Change it there: apps/overlays/production/kustomization.yaml in $GIT_URL`,
			"scale", guestbook, "--namespace=production", "--replicas=2")
		s.refused(ctx, t, "admin", `Deployment production/guestbook is declared in Git: apps/overlays/production at main@$REV (checked AGE ago).
To delete it, have apps/overlays/production leave it out, or remove it for all that use it from apps/base/guestbook/deployment.yaml in $GIT_URL`,
			"delete", guestbook, "--namespace=production")
		s.refused(ctx, t, "developer", `ConfigMap staging/team-settings is declared in Git: team at main@$REV (checked AGE ago).
This request departs from it:
  data.colour: Git says "blue", the request says "red"   (team/settings.yaml)
Change it there: team/settings.yaml in $GIT_URL`,
			"patch", "configmap/team-settings", "--namespace=staging", "--type=merge", `--patch={"data":{"colour":"red"}}`)
		s.refused(ctx, t, "admin", `Application argocd/guestbook-staging is declared in Git: bootstrap/apps at main@$REV (checked AGE ago).
This request departs from it:
  spec.syncPolicy: Git says {"automated":{"prune":true,"selfHeal":true},"retry":{"backoff":{"duration":"1s","factor":1},"limit":10,"refresh":true}}, the request removes it   (bootstrap/apps/guestbook-staging.yaml)
Change it there: bootstrap/apps/guestbook-staging.yaml in $GIT_URL`,
			"patch", "application/guestbook-staging", "--namespace=argocd", "--type=merge", `--patch={"spec":{"syncPolicy":null}}`)
		s.refused(ctx, t, "admin", `Application argocd/root tells the sync agent what to apply, so it changes through Git only.
This request changes:
  spec.source.targetRevision: the request changes it from "main" to "mine"
Declare it in Git, with this change.`,
			"patch", "application/root", "--namespace=argocd", "--type=merge", `--patch={"spec":{"source":{"targetRevision":"mine"}}}`)
		s.refused(ctx, t, "admin", `AppProject argocd/default tells the sync agent what to apply, so it changes through Git only.
This request changes:
  spec.sourceRepos: the request changes it from ["*"] to []
Declare it in Git, with this change.`,
			"patch", "appproject/default", "--namespace=argocd", "--type=merge", `--patch={"spec":{"sourceRepos":[]}}`)
	})

	t.Run("the manifest editor of Argo CD's page is refused what Git declares", func(t *testing.T) {
		s.refused(ctx, t, "argocd-server", `Deployment staging/guestbook is declared in Git: apps/overlays/staging at main@$REV (checked AGE ago).
This request departs from it:
  spec.replicas: Git says 1, the request says 3   (apps/overlays/staging/patch-replicas.yaml)
Change it there: apps/overlays/staging/patch-replicas.yaml in $GIT_URL`,
			"patch", guestbook, "--namespace=staging", "--type=merge", `--patch={"spec":{"replicas":3}}`)
		// As any service account it may set what Git leaves open.
		s.accepted(ctx, t, "argocd-server", "patch", guestbook, "--namespace=staging", "--type=merge", `--patch={"spec":{"minReadySeconds":3}}`)
	})

	t.Run("drift heals", func(t *testing.T) {
		// Nobody else gets it in.
		for namespace, want := range map[string]int64{"staging": 1, "production": 5} {
			s.accepted(ctx, t, "argocd-application-controller", "scale", guestbook, "--namespace="+namespace, "--replicas=3")
			s.replicas(ctx, t, namespace, want)
		}
		s.accepted(ctx, t, "argocd-application-controller", "patch", "configmap/team-settings", "--namespace=staging", "--type=merge", `--patch={"data":{"colour":"red"}}`)
		eventually(ctx, t, "the team's colour is blue", func() (bool, string, error) {
			o, err := s.object(ctx, "ConfigMap", "staging", "team-settings")
			is := field(o, "data", "colour")
			return is == "blue", is, err
		})
	})

	t.Run("a pipeline's commit rolls out", func(t *testing.T) {
		s.edit(t, "apps/overlays/staging/kustomization.yaml", "1.5.0-rc.2", "1.5.0-rc.3")
		s.edit(t, "apps/overlays/production/kustomization.yaml", "1.4.2", "1.4.3")
		s.edit(t, "team/settings.yaml", "blue", "green")
		s.sync(ctx, t)
		s.rollsOut(ctx, t, "staging", "registry.example.com/guestbook:1.5.0-rc.3")
		s.rollsOut(ctx, t, "production", "registry.example.com/guestbook:1.4.3")
	})

	t.Run("it was written in each of Argo CD's ways", func(t *testing.T) {
		for namespace, want := range map[string]string{"staging": "Update", "production": "Apply"} {
			o, err := s.object(ctx, "Deployment.v1.apps", namespace, "guestbook")
			if err != nil || o == nil {
				t.Fatalf("the guestbook in %s is not there (error: %v)", namespace, err)
			}
			if got := operation(o, "argocd-controller"); got != want {
				t.Errorf("in %s Argo CD's operation is %q, want %q", namespace, got, want)
			}
		}
		if !s.wrote(t, argoUser, "update", "configmaps", "team-settings") {
			t.Error("the team's ConfigMap was never replaced")
		}
	})

	t.Run("gitonly makes the same of Git as Argo CD", func(t *testing.T) {
		s.push(t, gitserver.Commit{Files: s.variants(t, "testdata/parity-argocd.txtar")})
		s.synced = append(s.synced, "parity-kustomize", "parity-directory", "parity-helm", "parity-references", "parity-jsonnet")
		s.sync(ctx, t)
		s.found(ctx, t, s.sources(), "argocd/argocd-application-controller")
		s.logOptions(ctx, t, schema.GroupKind{Group: "argoproj.io", Kind: "Application"})
		s.sameAsLive(ctx, t, s.declared(ctx, t, discover.ArgoCD{Namespace: "argocd"}), "argocd-controller", 26)
		s.secretless(t, "not-to-be-shown")
	})

	t.Run("what leaves Git is pruned", func(t *testing.T) {
		s.edit(t, "apps/base/guestbook/kustomization.yaml", "- service.yaml\n", "")
		s.sync(ctx, t)
		s.gone(ctx, t, "Service", "staging", "guestbook")
		s.gone(ctx, t, "Service", "production", "guestbook")
	})

	s.neverRefused(t, argoUser)
}

// operation is how a field manager writes an object: Apply, on the server's side, or Update.
func operation(o *unstructured.Unstructured, manager string) string {
	for _, entry := range o.GetManagedFields() {
		if entry.Manager == manager && entry.Subresource == "" {
			return string(entry.Operation)
		}
	}
	return ""
}

// wrote says whether a user's write is in the audit log.
func (s *scene) wrote(t *testing.T, user, verb, resource, name string) bool {
	t.Helper()
	records, err := auditlog.Read(s.auditLog)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(records, func(r auditlog.Record) bool {
		return r.Actor() == user && r.Verb == verb && r.On.Resource == resource && r.On.Name == name
	})
}
