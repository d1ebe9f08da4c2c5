package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// source is what the platform team writes down about its repository.
func (s *scene) source() string {
	return fmt.Sprintf(`apiVersion: gitonly.dev/v1alpha1
kind: GitSource
metadata:
  name: infra
spec:
  git:
    url: %s
    ref: {branch: main}
    paths:
    - path: cluster-config
    - path: apps/overlays/staging
    - path: apps/overlays/production
  interval: 5s
`, s.url)
}

const guardPolicy = `apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata:
  name: workloads
spec:
  mode: Enforce
  agents:
    subjects:
    - {kind: ServiceAccount, namespace: flux-system, name: kustomize-controller}
`

const (
	scaleUp  = "scale deployment/guestbook -n staging --replicas=5"
	oldImage = "set image deployment/guestbook -n staging web=registry.example.com/guestbook:1.5.0-rc.2"
	newImage = "set image deployment/guestbook -n staging web=registry.example.com/guestbook:1.5.0"
)

// tell is the story, step by step.
func (s *scene) tell(ctx context.Context, out *teller) error {
	for _, chapter := range []func(context.Context, *teller) error{
		s.platformTeam, s.agentApplies, s.developerIsRefused, s.auditMode, s.pipelineBumps, s.emergency,
	} {
		if err := chapter(ctx, out); err != nil {
			return err
		}
	}
	out.chapter("That was gitonly: changes come through Git, or not at all")
	return nil
}

func (s *scene) platformTeam(ctx context.Context, out *teller) error {
	out.chapter("The platform team says where Git is, and guards the cluster")
	for _, file := range []string{"infra.yaml", "policy.yaml"} {
		if err := out.run(step{who: "root", command: "cat " + file, cmd: s.shell(s.dir, "cat "+file)}); err != nil {
			return err
		}
	}
	if err := out.run(s.kubectl(ctx, "root", "admin", "apply -f infra.yaml -f policy.yaml")); err != nil {
		return err
	}
	ready := "wait gitsource/infra guardpolicy/workloads --for=condition=Ready --timeout=60s"
	if err := out.run(s.kubectl(ctx, "root", "admin", ready)); err != nil {
		return err
	}
	shown := s.kubectl(ctx, "root", "admin", "get gitsources,guardpolicies")
	shown.prints = `True`
	return out.run(shown)
}

func (s *scene) agentApplies(ctx context.Context, out *teller) error {
	out.chapter("The sync agent brings what Git says (here by hand; Argo CD and Flux do the same)")
	for _, path := range []string{"-f infra/cluster-config/namespaces.yaml", "-f infra/cluster-config/rbac.yaml", "-k infra/apps/overlays/staging", "-k infra/apps/overlays/production"} {
		apply := s.kubectl(ctx, "agent", "agent", "apply --server-side "+path)
		apply.prints = "serverside-applied"
		if err := out.run(apply); err != nil {
			return err
		}
	}
	return nil
}

func (s *scene) developerIsRefused(ctx context.Context, out *teller) error {
	out.chapter("A developer, who may edit in staging, changes something by hand")
	scale := s.kubectl(ctx, "dana", "developer", scaleUp)
	scale.fails, scale.prints = true, `spec\.replicas: Git says 1, the request says 5 .*patch-replicas\.yaml`
	if err := out.run(scale); err != nil {
		return err
	}
	edit := s.kubectl(ctx, "dana", "developer", "edit deployment/guestbook -n staging")
	edit.command = "KUBE_EDITOR=\"sed -i s/64Mi/96Mi/\" " + edit.command
	edit.cmd.Env = append(edit.cmd.Env, "KUBE_EDITOR=sed -i s/64Mi/96Mi/", "TMPDIR="+s.dir)
	edit.fails, edit.prints = true, `resources\.requests\.memory: Git says "64Mi", the request says "96Mi" .*deployment\.yaml`
	if err := out.run(edit); err != nil {
		return err
	}
	out.chapter("So is an administrator, who may do anything: the wrong cluster is one context away")
	remove := s.kubectl(ctx, "root", "admin", "delete namespace production")
	remove.fails, remove.prints = true, `Namespace production is declared in Git`
	return out.run(remove)
}

func (s *scene) auditMode(ctx context.Context, out *teller) error {
	out.chapter("Git brings Audit mode: the same passes, with a warning and a record")
	if err := s.mode(ctx, out, "Audit"); err != nil {
		return err
	}
	if err := out.until(ctx, func() step {
		probe := s.kubectl(ctx, "dana", "developer", scaleUp+" --dry-run=server")
		probe.prints = "Audit mode"
		return probe
	}); err != nil {
		return err
	}
	scale := s.kubectl(ctx, "dana", "developer", scaleUp)
	scale.prints = `(?s)Warning: gitonly: would be refused, but for Audit mode.*scaled`
	if err := out.run(scale); err != nil {
		return err
	}
	out.chapter("Back to Enforce; a return to what Git says is always welcome")
	if err := s.mode(ctx, out, "Enforce"); err != nil {
		return err
	}
	if err := out.until(ctx, func() step {
		probe := s.kubectl(ctx, "dana", "developer", "scale deployment/guestbook -n staging --replicas=7 --dry-run=server")
		probe.fails, probe.prints = true, "is declared in Git"
		return probe
	}); err != nil {
		return err
	}
	back := s.kubectl(ctx, "dana", "developer", "scale deployment/guestbook -n staging --replicas=1")
	back.prints = "scaled"
	return out.run(back)
}

// mode switches the policy as the platform team does.
func (s *scene) mode(ctx context.Context, out *teller, mode string) error {
	patch := `{"spec":{"mode":"` + mode + `"}}`
	step := s.kubectl(ctx, "agent", "agent", "patch guardpolicy workloads --type=merge -p "+patch)
	step.command = "kubectl patch guardpolicy workloads --type=merge -p '" + patch + "'"
	return out.run(step)
}

func (s *scene) pipelineBumps(ctx context.Context, out *teller) error {
	out.chapter("A pipeline releases: it bumps the image in Git")
	for _, command := range []string{
		"cd apps/overlays/staging && kustomize edit set image registry.example.com/guestbook=registry.example.com/guestbook:1.5.0",
		"git commit --quiet --all --message='staging: guestbook 1.5.0' && git push --quiet && git log --oneline -1",
	} {
		if err := out.run(step{who: "ci", command: command, cmd: s.shell(s.clone, command)}); err != nil {
			return err
		}
	}
	commit, err := s.shell(s.clone, "git rev-parse HEAD").Output()
	if err != nil {
		return fmt.Errorf("asking git for the commit in %s: %w", s.clone, err)
	}
	arrived := "wait gitsource/infra --for=jsonpath={.status.revision.commit}=" + strings.TrimSpace(string(commit)) + " --timeout=60s"
	if err := out.run(s.kubectl(ctx, "root", "admin", arrived)); err != nil {
		return err
	}
	out.chapter("Within seconds the old image is refused, and the new one accepted, whoever brings it")
	if err := out.run(s.kubectl(ctx, "dana", "developer", newImage)); err != nil {
		return err
	}
	old := s.kubectl(ctx, "dana", "developer", oldImage)
	old.fails, old.prints = true, `image: Git says "registry\.example\.com/guestbook:1\.5\.0", .*apps/overlays/staging/kustomization\.yaml`
	return out.run(old)
}

// lookAround says how to try more.
func (s *scene) lookAround(out *teller) {
	out.chapter("Look around: it all runs until you press Ctrl-C")
	fmt.Fprintf(out.out, "  export PATH=%s:%s:$PATH\n", s.stage.Bin, filepath.Dir(s.stage.Plane.Binaries.Kubectl))
	for _, user := range []struct{ alias, name string }{{"dana", "developer"}, {"root", "admin"}, {"agent", "agent"}} {
		fmt.Fprintf(out.out, "  alias %s='kubectl --kubeconfig=%s'\n", user.alias, s.stage.Users[user.name].Kubeconfig)
	}
	fmt.Fprintln(out.out, "  dana get deployments -n staging")
	fmt.Fprintf(out.out, "  git clone %s\n  tail -f %s\n", s.url, s.webhook.Log)
}
