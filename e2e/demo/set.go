package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/e2e/stage"
	"gitonly.dev/gitonly/examples"
)

// sealedSecrets is what the example needs of Sealed Secrets to be applied.
//
//go:embed sealedsecrets.yaml
var sealedSecrets []byte

// scene is the cluster, the Git server, and the webhook between them.
type scene struct {
	dir     string
	clone   string // a pipeline's checkout of the repository
	tool    string // kustomize
	stage   *stage.Stage
	git     *gitserver.HTTPServer
	url     string
	webhook *stage.Webhook
}

// set builds and starts everything.
func set(ctx context.Context, dir string, out *teller) (_ *scene, err error) {
	s := &scene{dir: dir, clone: filepath.Join(dir, "infra"), tool: filepath.Join(dir, "kustomize")}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	out.chapter("Setting the scene: a real control plane, a Git server, the webhook")
	if s.stage, err = stage.Start(ctx, stage.Options{Dir: dir, Progress: out.out}); err != nil {
		return nil, err
	}
	if err = s.serveGit(); err != nil {
		return nil, err
	}
	if err = s.buildKustomize(ctx); err != nil {
		return nil, err
	}
	if err = s.stage.InstallCRDs(ctx); err != nil {
		return nil, err
	}
	if err = s.stage.Apply(ctx, sealedSecrets); err != nil {
		return nil, err
	}
	if err = s.write("infra.yaml", s.source()); err != nil {
		return nil, err
	}
	if err = s.write("policy.yaml", guardPolicy); err != nil {
		return nil, err
	}
	if s.webhook, err = s.stage.StartWebhook(stage.WebhookOptions{Name: "gitonly"}); err != nil {
		return nil, err
	}
	if err = s.webhook.WaitReady(ctx); err != nil {
		return nil, err
	}
	return s, s.webhook.Register(ctx, stage.Registration{}, "default")
}

// serveGit serves examples/infra, and checks it out as a pipeline would.
func (s *scene) serveGit() error {
	infra, err := fs.Sub(examples.FS, "infra")
	if err != nil {
		return err
	}
	files, err := gitserver.Files(infra)
	if err != nil {
		return err
	}
	repository, err := gitserver.Init(filepath.Join(s.dir, "git", "infra.git"))
	if err != nil {
		return err
	}
	if _, err := repository.Commit(gitserver.Commit{Files: files, Message: "infra: guestbook in staging and production"}); err != nil {
		return err
	}
	if s.git, err = gitserver.ServeHTTP(filepath.Join(s.dir, "git"), gitserver.HTTPOptions{}); err != nil {
		return err
	}
	s.url = s.git.URL + "/infra.git"
	if out, err := s.shell(s.dir, "git clone --quiet "+s.url+" infra").CombinedOutput(); err != nil {
		return fmt.Errorf("cloning %s: %w\n%s", s.url, err, out)
	}
	return nil
}

// buildKustomize builds the kustomize that the tools' module pins.
func (s *scene) buildKustomize(ctx context.Context) error {
	module, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("finding gitonly's module: run the demo with make demo: %w", err)
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", s.tool, "sigs.k8s.io/kustomize/kustomize/v5")
	build.Dir = filepath.Join(strings.TrimSpace(string(module)), "tools")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building kustomize: %w\n%s", err, out)
	}
	return nil
}

func (s *scene) write(name, text string) error {
	return os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600)
}

// kubectl is a step of a user.
func (s *scene) kubectl(ctx context.Context, who, user, args string) step {
	cmd := s.stage.Plane.Kubectl(ctx, s.stage.Users[user], strings.Fields(args)...)
	cmd.Dir = s.dir
	cmd.Env = append(cmd.Environ(), "PATH="+s.stage.Path())
	return step{who: who, command: "kubectl " + args, cmd: cmd}
}

// script is a step of a user in the checkout, in shell's words.
func (s *scene) script(ctx context.Context, who, user, command string) step {
	shell := s.shell(s.clone, command)
	shell.Env = append(append(shell.Env, s.stage.Plane.KubectlEnv(s.stage.Users[user])...), "PATH="+s.stage.Path())
	return step{who: who, command: command, cmd: shell}
}

// shell is a command of the pipeline, which knows git and kustomize.
func (s *scene) shell(dir, command string) *exec.Cmd {
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), gitserver.Env()...), "PATH="+s.dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return cmd
}

// close ends what was started, last first.
func (s *scene) close() error {
	var found []error
	if s.webhook != nil {
		s.webhook.Stop()
	}
	if s.git != nil {
		found = append(found, s.git.Close())
	}
	if s.stage != nil {
		found = append(found, s.stage.Stop())
	}
	return errors.Join(found...)
}
