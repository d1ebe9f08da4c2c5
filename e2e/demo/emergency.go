package main

import (
	"context"
	"fmt"
)

const breakGlass = "annotate deployment/guestbook -n staging gitonly.dev/break-glass="

// emergency is the story of an incident, from the first refusal to the commit
// that ends it.
func (s *scene) emergency(ctx context.Context, out *teller) error {
	const why = "INC-1234 guestbook is overloaded"
	out.chapter("An incident at night: whoever has the right breaks the glass, and says why")
	scale := s.kubectl(ctx, "dana", "developer", scaleUp)
	scale.fails, scale.prints = true, `In an emergency, somebody with the verb break-glass on deployments\.apps can let this pass`
	if err := out.run(scale); err != nil {
		return err
	}
	open := s.kubectl(ctx, "root", "admin", breakGlass)
	open.command += fmt.Sprintf("%q", why)
	open.cmd.Args[len(open.cmd.Args)-1] += why
	open.prints = `Warning: gitonly: the glass is broken for Deployment staging/guestbook until `
	if err := out.run(open); err != nil {
		return err
	}
	hotfix := s.kubectl(ctx, "root", "admin", scaleUp)
	hotfix.prints = `(?s)Warning: gitonly: Deployment staging/guestbook departs from Git, as BreakGlass .* permits until .*scaled`
	if err := out.run(hotfix); err != nil {
		return err
	}
	out.chapter("The sync agent would take it back within seconds. It is held, and told why")
	const sync = "apply --server-side --force-conflicts -k infra/apps/overlays/staging"
	revert := s.kubectl(ctx, "agent", "agent", sync)
	revert.fails, revert.prints = true, `spec\.replicas: Git says 1, the emergency says 5`
	if err := out.run(revert); err != nil {
		return err
	}
	out.chapter("In the morning the hotfix comes to Git, and the emergency is over by itself")
	bring := s.script(ctx, "root", "admin", "kubectl gitonly backport deploy/guestbook -n staging | git apply && git diff --unified=0")
	bring.prints = `(?s)in the patch: apps/overlays/staging/patch-replicas\.yaml.*\+  replicas: 5`
	commit := s.script(ctx, "root", "admin", "git commit --quiet --all --message='staging: five replicas (INC-1234)' && git push --quiet")
	for _, step := range []step{bring, commit} {
		if err := out.run(step); err != nil {
			return err
		}
	}
	if err := out.run(s.kubectl(ctx, "root", "admin", "wait breakglass --all --for=jsonpath={.status.state}=Reconciled --timeout=60s")); err != nil {
		return err
	}
	applies := s.kubectl(ctx, "agent", "agent", sync)
	applies.prints = `deployment\.apps/guestbook serverside-applied`
	if err := out.run(applies); err != nil {
		return err
	}
	out.chapter("Who did what, why, and what became of it is on the record")
	list := s.kubectl(ctx, "root", "admin", "get breakglasses")
	list.prints = `Deployment staging/guestbook +Reconciled +admin .*` + why
	if err := out.run(list); err != nil {
		return err
	}
	uses := s.kubectl(ctx, "root", "admin", "get breakglasses -o jsonpath={range.items[*].status.uses[*]}{.time}{\"\\t\"}{.by.user}{\"\\t\"}{.did}{\"\\t\"}{.differences}{\"\\n\"}{end}")
	uses.command = "kubectl get breakglasses -o jsonpath='{range .items[*].status.uses[*]}{.time}{\"\\t\"}{.by.user}{\"\\t\"}{.did}{\"\\t\"}{.differences}{\"\\n\"}{end}'"
	uses.prints = `spec\.replicas: Git says 1, the request says 5`
	return out.run(uses)
}
