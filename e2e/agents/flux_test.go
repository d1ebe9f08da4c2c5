package agents_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"gitonly.dev/gitonly/e2e/agents"
	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex/discover"
)

// fluxBootstrap is what an administrator applies by hand; Git brings the rest.
const fluxBootstrap = `
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: infra, namespace: flux-system}
spec: {url: $GIT_URL, interval: 10m, ref: {branch: main}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: root, namespace: flux-system}
spec:
  {path: ./clusters/e2e, prune: true, interval: 10m, sourceRef: {kind: GitRepository, name: infra}}
`

// fluxClusters is what root brings.
const fluxClusters = `
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: cluster-config, namespace: flux-system}
spec:
  path: ./cluster-config
  prune: true
  interval: 10m
  sourceRef: {kind: GitRepository, name: infra}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: guestbook-staging, namespace: flux-system}
spec:
  path: ./apps/overlays/staging
  prune: true
  interval: 10m
  dependsOn: [{name: cluster-config}]
  sourceRef: {kind: GitRepository, name: infra}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: secrets, namespace: flux-system}
spec:
  path: ./secrets/staging
  prune: true
  interval: 10m
  dependsOn: [{name: cluster-config}]
  decryption: {provider: sops, secretRef: {name: sops-age}}
  sourceRef: {kind: GitRepository, name: infra}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: team, namespace: flux-system}
spec:
  path: ./team
  prune: true
  interval: 10m
  serviceAccountName: team
  targetNamespace: staging
  dependsOn: [{name: cluster-config}]
  sourceRef: {kind: GitRepository, name: infra}
`

// fluxTeam is whom Flux impersonates for the team's folder.
const fluxTeam = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: team, namespace: flux-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: team, namespace: staging}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}
subjects: [{kind: ServiceAccount, name: team, namespace: flux-system}]
`

const teamSettings = `
apiVersion: v1
kind: ConfigMap
metadata: {name: team-settings}
data: {colour: blue}
`

// The values of the Secret that Git holds encrypted.
const (
	mailUser     = "guestbook@example.com"
	mailPassword = "correct-horse-battery-staple"
	mailSecret   = `apiVersion: v1
kind: Secret
metadata:
  name: mail-credentials
  namespace: staging
type: Opaque
stringData:
  username: ` + mailUser + `
  password: ` + mailPassword + `
`

	mailToken         = "hunter2-of-the-mail-token"
	mailKustomization = `
namespace: staging
resources: [mail-credentials.sops.yaml, account.yaml]
secretGenerator: [{name: mail, envs: [mail.env]}]
`
	mailAccount = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: mail}
imagePullSecrets: [{name: mail}]
`
)

const (
	fluxUser = "system:serviceaccount:flux-system:kustomize-controller"
	teamUser = "system:serviceaccount:flux-system:team"
)

// fluxScene is a scene with Flux in it.
type fluxScene struct {
	*scene
	flux   *agents.Flux
	synced []string // Kustomizations
}

// sources are the names of gitonly's.
func (s *fluxScene) sources() []string {
	var names []string
	for _, name := range s.synced {
		names = append(names, "Kustomization flux-system/"+name)
	}
	return names
}

func openFlux(ctx context.Context, t *testing.T) *fluxScene {
	t.Helper()
	key, err := agents.NewSOPS(ctx, t.TempDir(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := key.Encrypt(ctx, mailSecret)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := key.EncryptFile(ctx, "mail.env", "TOKEN="+mailToken+"\n")
	if err != nil {
		t.Fatal(err)
	}
	s := &fluxScene{synced: []string{"root", "cluster-config", "guestbook-staging", "secrets", "team"}, scene: open(ctx, t, gitserver.Commit{Files: map[string]string{
		"clusters/e2e/kustomizations.yaml":           fluxClusters,
		"cluster-config/team.yaml":                   fluxTeam,
		"team/settings.yaml":                         teamSettings,
		"secrets/staging/mail-credentials.sops.yaml": encrypted,
		"secrets/staging/mail.env":                   settings,
		"secrets/staging/kustomization.yaml":         mailKustomization,
		"secrets/staging/account.yaml":               mailAccount,
	}})}
	if err := agents.InstallSealedSecrets(ctx, s.Stage, t.Output()); err != nil {
		t.Fatal(err)
	}
	if s.flux, err = agents.StartFlux(ctx, s.Stage, t.Output()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.flux.Stop() })
	bootstrap := strings.ReplaceAll(fluxBootstrap, "$GIT_URL", s.url) + `---
apiVersion: v1
kind: Secret
metadata: {name: sops-age, namespace: flux-system}
data: {age.agekey: ` + base64.StdEncoding.EncodeToString([]byte(key.Identity)) + `}
`
	if err := s.Apply(ctx, []byte(bootstrap)); err != nil {
		t.Fatal(err)
	}
	if err := s.guard(ctx, "flux: {}", "flux-system"); err != nil {
		t.Fatal(err)
	}
	return s
}

// sync has Flux apply the newest commit, and waits until it has.
func (s *fluxScene) sync(ctx context.Context, t *testing.T) {
	t.Helper()
	s.caughtUp(ctx, t)
	if err := s.flux.Publish(ctx, types.NamespacedName{Namespace: "flux-system", Name: "infra"}, s.repository, s.commit); err != nil {
		t.Fatal(err)
	}
	for _, name := range s.synced {
		eventually(ctx, t, "Kustomization "+name+" is at "+s.commit, func() (bool, string, error) {
			o, err := s.object(ctx, "Kustomization.v1.kustomize.toolkit.fluxcd.io", "flux-system", name)
			is := field(o, "status", "lastAppliedRevision")
			return is == "main@sha1:"+s.commit, is + " " + conditions(o), err
		})
	}
}

func TestFlux(t *testing.T) {
	ctx := t.Context()
	s := openFlux(ctx, t)
	s.sync(ctx, t)
	s.rollsOut(ctx, t, "staging", "registry.example.com/guestbook:1.5.0-rc.2")
	s.found(ctx, t, s.sources(), "flux-system/kustomize-controller", "flux-system/team")

	t.Run("what people change by hand is refused", func(t *testing.T) {
		s.refused(ctx, t, "developer", `Deployment staging/guestbook is declared in Git: apps/overlays/staging at main@$REV (checked AGE ago).
This request departs from it:
  spec.replicas: Git says 1, the request says 5   (apps/overlays/staging/patch-replicas.yaml)
Change it there: apps/overlays/staging/patch-replicas.yaml in $GIT_URL`,
			"scale", "deployment/guestbook", "--namespace=staging", "--replicas=5")
		s.refused(ctx, t, "admin", `Service staging/guestbook is declared in Git: apps/overlays/staging at main@$REV (checked AGE ago).
To delete it, have apps/overlays/staging leave it out, or remove it for all that use it from apps/base/guestbook/service.yaml in $GIT_URL`,
			"delete", "service/guestbook", "--namespace=staging")
		s.refused(ctx, t, "admin", `Kustomization flux-system/guestbook-staging is declared in Git: clusters/e2e at main@$REV (checked AGE ago).
This request departs from it:
  spec.suspend: not in Git, the request adds true
To keep this change, make it in clusters/e2e/kustomizations.yaml in $GIT_URL`,
			"patch", "kustomization/guestbook-staging", "--namespace=flux-system", "--type=merge", `--patch={"spec":{"suspend":true}}`)
		s.refused(ctx, t, "admin", `Kustomization flux-system/root tells the sync agent what to apply, so it changes through Git only.
This request changes:
  spec.path: the request changes it from "./clusters/e2e" to "./elsewhere"
Declare it in Git, with this change.`,
			"patch", "kustomization/root", "--namespace=flux-system", "--type=merge", `--patch={"spec":{"path":"./elsewhere"}}`)
	})

	t.Run("whom Flux impersonates is an agent too", func(t *testing.T) {
		s.refused(ctx, t, "developer", `ConfigMap staging/team-settings is declared in Git: team at main@$REV (checked AGE ago).
This request departs from it:
  data.colour: Git says "blue", the request says "red"   (team/settings.yaml)
Change it there: team/settings.yaml in $GIT_URL`,
			"patch", "configmap/team-settings", "--namespace=staging", "--type=merge", `--patch={"data":{"colour":"red"}}`)
		s.neverRefused(t, teamUser)
	})

	t.Run("what SOPS encrypts is applied, and nobody else's to change", func(t *testing.T) {
		secret, err := s.object(ctx, "Secret", "staging", "mail-credentials")
		if err != nil {
			t.Fatal(err)
		}
		if got, want := field(secret, "data", "password"), base64.StdEncoding.EncodeToString([]byte(mailPassword)); got != want {
			t.Error("the Secret in the cluster doesn't hold the password")
		}
		s.refused(ctx, t, "developer", `Secret staging/mail-credentials is declared in Git: secrets/staging at main@$REV (checked AGE ago).
This request departs from it:
  data.password: the request departs from Git's value (not shown)   (secrets/staging/mail-credentials.sops.yaml)
Change it there: secrets/staging/mail-credentials.sops.yaml in $GIT_URL`,
			"patch", "secret/mail-credentials", "--namespace=staging", "--type=merge", `--patch={"stringData":{"password":"hunter2-hunter2"}}`)
		s.accepted(ctx, t, "developer", "patch", "secret/mail-credentials", "--namespace=staging", "--type=merge", `--patch={"stringData":{"password":"`+mailPassword+`"}}`)
		s.secretless(t, mailUser, mailPassword, "hunter2-hunter2")
	})

	t.Run("what is generated of an encrypted file is guarded under the name that Flux gives it", func(t *testing.T) {
		account, err := s.object(ctx, "ServiceAccount", "staging", "mail")
		if err != nil {
			t.Fatal(err)
		}
		secrets, _, _ := unstructured.NestedSlice(account.Object, "imagePullSecrets")
		if len(secrets) != 1 {
			t.Fatalf("the account names %v", secrets)
		}
		name, _ := secrets[0].(map[string]any)["name"].(string)
		secret, err := s.object(ctx, "Secret", "staging", name)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := field(secret, "data", "TOKEN"), base64.StdEncoding.EncodeToString([]byte(mailToken)); got != want {
			t.Errorf("Secret %s in the cluster doesn't hold the token", name)
		}
		s.refused(ctx, t, "developer", `Secret staging/`+name+` is declared in Git: secrets/staging at main@$REV (checked AGE ago).
This request departs from it:
  data.TOKEN: the request departs from Git's value (not shown)   (secrets/staging/mail.env)
Change it there: secrets/staging/mail.env in $GIT_URL`,
			"patch", "secret/"+name, "--namespace=staging", "--type=merge", `--patch={"stringData":{"TOKEN":"hunter2-hunter2"}}`)
		s.secretless(t, mailToken, "hunter2-hunter2")
	})

	t.Run("gitonly makes the same of Git as Flux", func(t *testing.T) {
		s.push(t, gitserver.Commit{Files: s.variants(t, "testdata/parity-flux.txtar")})
		s.synced = append(s.synced, "parity-options", "parity-folder")
		s.sync(ctx, t)
		s.found(ctx, t, s.sources(), "flux-system/kustomize-controller", "flux-system/team")
		s.logOptions(ctx, t, schema.GroupKind{Group: "kustomize.toolkit.fluxcd.io", Kind: "Kustomization"})
		s.sameAsLive(ctx, t, s.declared(ctx, t, discover.Flux{}), "kustomize-controller", 38)
		s.secretless(t, "not-to-be-shown")
	})

	t.Run("a commit rolls out", func(t *testing.T) {
		s.edit(t, "apps/overlays/staging/kustomization.yaml", "1.5.0-rc.2", "1.5.0-rc.3")
		s.sync(ctx, t)
		s.rollsOut(ctx, t, "staging", "registry.example.com/guestbook:1.5.0-rc.3")
	})

	t.Run("what leaves Git is pruned", func(t *testing.T) {
		s.edit(t, "apps/base/guestbook/kustomization.yaml", "- service.yaml\n", "")
		s.sync(ctx, t)
		s.gone(ctx, t, "Service", "staging", "guestbook")
	})

	t.Run("what a SealedSecret asks for is its controller's to make", func(t *testing.T) { s.unseals(ctx, t) })

	t.Run("people may ask for a look at Git", func(t *testing.T) {
		s.accepted(ctx, t, "admin", "annotate", "kustomization/guestbook-staging", "--namespace=flux-system", "reconcile.fluxcd.io/requestedAt=now")
		eventually(ctx, t, "Flux has looked", func() (bool, string, error) {
			o, err := s.object(ctx, "Kustomization.v1.kustomize.toolkit.fluxcd.io", "flux-system", "guestbook-staging")
			is := field(o, "status", "lastHandledReconcileAt")
			return is == "now", is, err
		})
	})

	s.neverRefused(t, fluxUser, teamUser)
}
