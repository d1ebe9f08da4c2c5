package agents_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gitonly.dev/gitonly/e2e/auditlog"
	"gitonly.dev/gitonly/e2e/gitserver"
)

// TestAnEmergencyHoldsArgoCD has people depart from Git while Argo CD heals by itself. It writes on the client's
// side in staging and on the server's in production, and replaces the team's objects.
func TestAnEmergencyHoldsArgoCD(t *testing.T) {
	ctx := t.Context()
	s := openArgo(ctx, t)
	s.sync(ctx, t)
	s.found(ctx, t, s.sources(), "argocd/argocd-application-controller")
	// Argo CD gives up on a revision when it has tried as often as its limit. Without refresh, as in production,
	// it goes on trying the one that it began with.
	const retry = "retry: {limit: 10, refresh: true, "
	s.edit(t, "bootstrap/apps/guestbook-staging.yaml", retry, "retry: {limit: -1, refresh: true, ")
	s.edit(t, "bootstrap/apps/team.yaml", retry, "retry: {limit: -1, refresh: true, ")
	s.edit(t, "bootstrap/apps/guestbook-production.yaml", retry, "retry: {limit: -1, ")
	s.sync(ctx, t)

	production := thing{"deployments", "production", "guestbook"}
	staging := thing{"deployments", "staging", "guestbook"}
	settings := thing{"configmaps", "staging", "team-settings"}

	s.refused(ctx, t, "admin", `Deployment production/guestbook is declared in Git: apps/overlays/production at main@$REV (checked AGE ago).
This request departs from it:
  spec.replicas: Git says 5, the request says 7   (apps/overlays/production/kustomization.yaml)
Change it there: apps/overlays/production/kustomization.yaml in $GIT_URL`,
		"scale", guestbook, "--namespace=production", "--replicas=7")

	s.breakGlass(ctx, t, production, "INC-1 too few replicas")
	s.accepted(ctx, t, "admin", "scale", guestbook, "--namespace=production", "--replicas=7")
	s.accepted(ctx, t, "admin", "set", "image", guestbook, "--namespace=production", "*=registry.example.com/guestbook:1.4.9")
	s.breakGlass(ctx, t, settings, "INC-2 the wrong colour")
	s.accepted(ctx, t, "admin", "patch", "configmap/team-settings", "--namespace=staging", "--type=merge", `--patch={"data":{"colour":"red"}}`)
	s.breakGlass(ctx, t, staging, "INC-3 for a short time", "gitonly.dev/break-glass-until="+time.Now().Add(2*time.Minute).UTC().Format(time.RFC3339))
	s.accepted(ctx, t, "admin", "scale", guestbook, "--namespace=staging", "--replicas=3")

	t.Run("Argo CD tries, and says why it can't", func(t *testing.T) {
		for _, on := range []thing{production, settings, staging} {
			s.held(ctx, t, on, " is held until ")
		}
		for app, why := range map[string]string{"guestbook-production": "INC-1 too few replicas", "team": "INC-2 the wrong colour", "guestbook-staging": "INC-3 for a short time"} {
			eventually(ctx, t, "Application "+app+" says why", func() (bool, string, error) {
				o, err := s.object(ctx, "Application.v1alpha1.argoproj.io", "argocd", app)
				is := field(o, "status", "operationState", "message")
				return strings.Contains(is, "admin broke the glass, and says why: "+why+"."), is, err
			})
		}
	})
	t.Run("Git catches up, and Argo CD never takes it back", func(t *testing.T) {
		s.backport(ctx, t, "--namespace=production", guestbook)
		s.caughtUp(ctx, t)
		s.held(ctx, t, production, "this request is of an older revision")
		s.emergency(ctx, t, "INC-1 too few replicas", "Reconciled")
		s.held(ctx, t, production, "this request is of an older revision")
		s.replicas(ctx, t, "production", 7)
		if through := s.after(t, production, "Held", func(r auditlog.Record) bool { return !r.Refused() }); len(through) > 0 {
			t.Errorf("Argo CD wrote %v", through)
		}
		s.says(ctx, t, production, "BreakGlassOpened", "BreakGlassUsed", "Held", "BreakGlassReconciled")
	})
	t.Run("Git has more than was changed, and Argo CD replaces it", func(t *testing.T) {
		s.edit(t, "team/settings.yaml", "{colour: blue}", "{colour: red, size: large}")
		s.sync(ctx, t)
		s.emergency(ctx, t, "INC-2 the wrong colour", "Reconciled")
		o, err := s.object(ctx, "ConfigMap", "staging", "team-settings")
		if err != nil || field(o, "data", "size") != "large" || field(o, "data", "colour") != "red" || len(o.GetAnnotations()["gitonly.dev/break-glass"]) > 0 {
			t.Errorf("it is %v (error: %v)", o, err)
		}
	})
	t.Run("its time is over, and Argo CD brings back Git", func(t *testing.T) {
		s.emergency(ctx, t, "INC-3 for a short time", "Expired")
		s.replicas(ctx, t, "staging", 1)
	})
	t.Run("somebody ends it, and Argo CD brings back Git", func(t *testing.T) {
		s.accepted(ctx, t, "admin", "annotate", guestbook, "--namespace=staging", "gitonly.dev/break-glass-until-")
		s.breakGlass(ctx, t, staging, "INC-4 once more")
		s.accepted(ctx, t, "admin", "scale", guestbook, "--namespace=staging", "--replicas=3")
		s.held(ctx, t, staging, "INC-4 once more")
		s.accepted(ctx, t, "admin", "annotate", guestbook, "--namespace=staging", "gitonly.dev/break-glass-")
		s.emergency(ctx, t, "INC-4 once more", "Ended")
		s.replicas(ctx, t, "staging", 1)
	})
	t.Run("all is in sync", func(t *testing.T) { s.sync(ctx, t) })
}

// TestAnEmergencyHoldsFlux has a person depart from Git, and Flux asked to bring it back.
func TestAnEmergencyHoldsFlux(t *testing.T) {
	ctx := t.Context()
	s := openFlux(ctx, t)
	s.sync(ctx, t)
	s.found(ctx, t, s.sources(), "flux-system/kustomize-controller", "flux-system/team")
	on := thing{"deployments", "staging", "guestbook"}

	t.Run("Flux tries, and says why it can't", func(t *testing.T) {
		s.breakGlass(ctx, t, on, "INC-1 too few replicas")
		s.accepted(ctx, t, "admin", "scale", guestbook, "--namespace=staging", "--replicas=7")
		s.reconcile(ctx, t, "once")
		eventually(ctx, t, "Flux says who holds it", func() (bool, string, error) {
			o, err := s.object(ctx, "Kustomization.v1.kustomize.toolkit.fluxcd.io", "flux-system", "guestbook-staging")
			is := conditions(o)
			return strings.Contains(is, "Deployment staging/guestbook is held until ") && strings.Contains(is, "admin broke the glass, and says why: INC-1 too few replicas."), is, err
		})
		s.replicas(ctx, t, "staging", 7)
	})
	t.Run("somebody ends it, and Flux brings back Git", func(t *testing.T) {
		s.accepted(ctx, t, "admin", "annotate", guestbook, "--namespace=staging", "gitonly.dev/break-glass-")
		s.emergency(ctx, t, "INC-1 too few replicas", "Ended")
		s.reconcile(ctx, t, "twice")
		s.replicas(ctx, t, "staging", 1)
	})
	t.Run("Git catches up, and Flux may remove the annotation", func(t *testing.T) {
		s.breakGlass(ctx, t, on, "INC-2 once more")
		s.accepted(ctx, t, "admin", "scale", guestbook, "--namespace=staging", "--replicas=4")
		s.edit(t, "apps/overlays/staging/patch-replicas.yaml", "replicas: 1", "replicas: 4")
		s.sync(ctx, t)
		s.replicas(ctx, t, "staging", 4)
		o, err := s.object(ctx, "Deployment.v1.apps", "staging", "guestbook")
		if err != nil || len(o.GetAnnotations()["gitonly.dev/break-glass"]) > 0 {
			t.Errorf("it has annotations %v (error: %v)", o.GetAnnotations(), err)
		}
		s.emergency(ctx, t, "INC-2 once more", "Reconciled")
	})
}

// backport commits the patch that the plugin makes of what was changed in the cluster.
func (s *scene) backport(ctx context.Context, t *testing.T, target ...string) {
	t.Helper()
	checkout := t.TempDir()
	git := func(stdin []byte, args ...string) string {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir, cmd.Stdin = checkout, bytes.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	git(nil, "clone", "--quiet", s.url, ".")
	cmd := s.Plane.Kubectl(ctx, s.Users["admin"], append([]string{"gitonly", "backport"}, target...)...)
	cmd.Dir, cmd.Env = checkout, append(cmd.Environ(), "PATH="+s.Path())
	var said bytes.Buffer
	cmd.Stderr = &said
	patch, err := cmd.Output()
	if err != nil {
		t.Fatalf("kubectl gitonly backport %q: %v\n%s", target, err, &said)
	}
	git(patch, "apply")
	changed := map[string]string{}
	for path := range strings.FieldsSeq(git(nil, "diff", "--name-only")) {
		text, err := os.ReadFile(filepath.Join(checkout, path))
		if err != nil {
			t.Fatal(err)
		}
		changed[path] = string(text)
	}
	s.push(t, gitserver.Commit{Files: changed})
}

// reconcile asks Flux to apply the guestbook again. Each time has another word.
func (s *fluxScene) reconcile(ctx context.Context, t *testing.T, word string) {
	t.Helper()
	s.accepted(ctx, t, "admin", "annotate", "kustomization/guestbook-staging", "--namespace=flux-system", "--overwrite", "reconcile.fluxcd.io/requestedAt="+word)
}

// thing is an object, as the audit log names it.
type thing struct{ resource, namespace, name string }

// breakGlass annotates an object with a reason, and more.
func (s *scene) breakGlass(ctx context.Context, t *testing.T, on thing, why string, more ...string) {
	t.Helper()
	args := []string{"annotate", on.resource + "/" + on.name, "--namespace=" + on.namespace, "--overwrite", "gitonly.dev/break-glass=" + why}
	s.accepted(ctx, t, "admin", append(args, more...)...)
}

// after are Argo CD's writes of an object since the first whose verdict has the reason, as far as they match.
func (s *scene) after(t *testing.T, on thing, reason string, match func(auditlog.Record) bool) []auditlog.Record {
	t.Helper()
	records, err := auditlog.Read(s.auditLog)
	if err != nil {
		t.Fatal(err)
	}
	records = slices.DeleteFunc(records, func(r auditlog.Record) bool {
		return r.Actor() != argoUser || r.On.Subresource != "" || r.On.Resource != on.resource || r.On.Namespace != on.namespace || r.On.Name != on.name
	})
	first := slices.IndexFunc(records, func(r auditlog.Record) bool { return r.Verdict("reason") == reason })
	if first < 0 {
		return nil
	}
	return slices.DeleteFunc(records[first:], func(r auditlog.Record) bool { return !match(r) })
}

// held waits until Argo CD has tried once more to take back what was changed of an object, and read so.
func (s *argoScene) held(ctx context.Context, t *testing.T, on thing, reads string) {
	t.Helper()
	count := func() int {
		return len(s.after(t, on, "Held", func(r auditlog.Record) bool { return strings.Contains(r.Said.Message, reads) }))
	}
	before := -1
	eventually(ctx, t, "Argo CD is held, and reads "+reads, func() (bool, string, error) {
		now := count()
		if before < 0 {
			before = now
		}
		return now > before, "nothing more is held", nil
	})
}

// emergency waits until the emergency with a reason has a state.
func (s *scene) emergency(ctx context.Context, t *testing.T, why, state string) {
	t.Helper()
	eventually(ctx, t, "the emergency "+why+" is "+state, func() (bool, string, error) {
		out, err := s.Plane.Kubectl(ctx, s.Users["admin"], "get", "breakglasses", `-o=jsonpath={.items[?(@.spec.reason=="`+why+`")].status.state}`).CombinedOutput()
		return string(out) == state, string(out), err
	})
}

// says waits until an object has Events with each of these reasons.
func (s *scene) says(ctx context.Context, t *testing.T, on thing, reasons ...string) {
	t.Helper()
	eventually(ctx, t, on.name+" says "+strings.Join(reasons, ", "), func() (bool, string, error) {
		out, err := s.Plane.Kubectl(ctx, s.Users["admin"], "get", "events", "--namespace="+on.namespace, "--field-selector=involvedObject.name="+on.name, `-o=jsonpath={.items[*].reason}`).CombinedOutput()
		said := strings.Fields(string(out))
		return !slices.ContainsFunc(reasons, func(reason string) bool { return !slices.Contains(said, reason) }), string(out), err
	})
}
