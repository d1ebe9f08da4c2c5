package agents_test

import (
	"context"
	"strings"
	"testing"

	"gitonly.dev/gitonly/e2e/auditlog"
)

// TestAnEmergencyHoldsArgoCD has people depart from Git while Argo CD heals by itself, on the client's side in
// staging and on the server's in production. One ends in Git, the other by hand.
func TestAnEmergencyHoldsArgoCD(t *testing.T) {
	ctx := t.Context()
	s := openArgo(ctx, t)
	s.sync(ctx, t)
	s.found(ctx, t, s.sources(), "argocd/argocd-application-controller")

	for _, namespace := range []string{"staging", "production"} {
		s.accepted(ctx, t, "admin", "annotate", guestbook, "--namespace="+namespace, "gitonly.dev/break-glass=INC-1234 too few replicas")
		s.accepted(ctx, t, "admin", "scale", guestbook, "--namespace="+namespace, "--replicas=7")
	}
	for _, namespace := range []string{"staging", "production"} {
		s.held(ctx, t, namespace)
		s.replicas(ctx, t, namespace, 7)
	}

	t.Run("Git catches up, and it is over", func(t *testing.T) {
		s.edit(t, "apps/overlays/staging/patch-replicas.yaml", "replicas: 1", "replicas: 7")
		s.emergency(ctx, t, "staging", "Reconciled")
		s.replicas(ctx, t, "staging", 7)
	})
	t.Run("somebody ends it, and Argo CD brings back Git", func(t *testing.T) {
		s.accepted(ctx, t, "admin", "annotate", guestbook, "--namespace=production", "gitonly.dev/break-glass-")
		s.emergency(ctx, t, "production", "Ended")
		s.replicas(ctx, t, "production", 5)
	})
	t.Run("all is in sync", func(t *testing.T) { s.sync(ctx, t) })
}

// TestAnEmergencyHoldsFlux has a person depart from Git, and Flux asked to bring it back.
func TestAnEmergencyHoldsFlux(t *testing.T) {
	ctx := t.Context()
	s := openFlux(ctx, t)
	s.sync(ctx, t)
	s.found(ctx, t, s.sources(), "flux-system/kustomize-controller", "flux-system/team")

	s.accepted(ctx, t, "admin", "annotate", guestbook, "--namespace=staging", "gitonly.dev/break-glass=INC-1234 too few replicas")
	s.accepted(ctx, t, "admin", "scale", guestbook, "--namespace=staging", "--replicas=7")
	s.reconcile(ctx, t, "once")
	eventually(ctx, t, "Flux says who holds it", func() (bool, string, error) {
		o, err := s.object(ctx, "Kustomization.v1.kustomize.toolkit.fluxcd.io", "flux-system", "guestbook-staging")
		is := conditions(o)
		return strings.Contains(is, "Deployment staging/guestbook is held until ") && strings.Contains(is, "admin broke the glass, and says why: INC-1234 too few replicas."), is, err
	})
	s.replicas(ctx, t, "staging", 7)

	s.accepted(ctx, t, "admin", "annotate", guestbook, "--namespace=staging", "gitonly.dev/break-glass-")
	s.reconcile(ctx, t, "twice")
	s.replicas(ctx, t, "staging", 1)
}

// reconcile asks Flux to apply the guestbook again. Each time has another word.
func (s *fluxScene) reconcile(ctx context.Context, t *testing.T, word string) {
	t.Helper()
	s.accepted(ctx, t, "admin", "annotate", "kustomization/guestbook-staging", "--namespace=flux-system", "--overwrite", "reconcile.fluxcd.io/requestedAt="+word)
}

// held waits until Argo CD has tried to take back what was changed of a guestbook.
func (s *argoScene) held(ctx context.Context, t *testing.T, namespace string) {
	t.Helper()
	eventually(ctx, t, "Argo CD is held in "+namespace, func() (bool, string, error) {
		records, err := auditlog.Read(s.auditLog)
		last := "no write of it"
		for _, r := range records {
			if r.Actor() != argoUser || r.On.Namespace != namespace || r.On.Name != "guestbook" || r.On.Resource != "deployments" {
				continue
			}
			if last = r.String(); r.Verdict("reason") == "Held" {
				return true, "", nil
			}
		}
		return false, last, err
	})
}

// emergency waits until the emergency of a guestbook has a state.
func (s *argoScene) emergency(ctx context.Context, t *testing.T, namespace, state string) {
	t.Helper()
	eventually(ctx, t, "the emergency in "+namespace+" is "+state, func() (bool, string, error) {
		out, err := s.Plane.Kubectl(ctx, s.Users["admin"], "get", "breakglasses",
			`-o=jsonpath={.items[?(@.spec.object.namespace=="`+namespace+`")].status.state}`).CombinedOutput()
		return string(out) == state, string(out), err
	})
}
