package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/e2e/stage"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// runbook is what docs/break-glass.md says.
type runbook struct {
	text   string
	blocks []*block
}

// block is a fenced part of the runbook.
type block struct {
	section string // its heading
	step    string // 1 to 5, where the section has such
	kind    string // sh, yaml, console, or empty
	text    string
	done    bool
}

func readRunbook(t *testing.T) *runbook {
	t.Helper()
	text, err := os.ReadFile("../docs/break-glass.md")
	if err != nil {
		t.Fatal(err)
	}
	r := &runbook{text: string(text)}
	section, step := "", ""
	var open *block
	for line := range strings.Lines(r.text) {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case open != nil && isFence:
			r.blocks, open = append(r.blocks, open), nil
		case open != nil:
			open.text += line
		case isFence:
			open = &block{section: section, step: step, kind: strings.TrimSpace(fence)}
		case strings.HasPrefix(line, "#"):
			section, step = strings.TrimSpace(strings.TrimLeft(line, "#")), ""
		case strings.HasPrefix(line, "**"):
			step, _, _ = strings.Cut(strings.TrimPrefix(line, "**"), ".")
		}
	}
	return r
}

// take returns the blocks of a kind in a section, or in a step of it.
func (r *runbook) take(t *testing.T, section, step, kind string) []string {
	t.Helper()
	var found []string
	for _, b := range r.blocks {
		if b.section == section && b.step == step && b.kind == kind {
			b.done = true
			found = append(found, b.text)
		}
	}
	if len(found) == 0 {
		t.Fatalf("%q has no %s in step %q", section, kind, step)
	}
	return found
}

// TestTheRunbookIsTrue does what docs/break-glass.md says, word for word: as dana, who
// may do no more than it gives her.
func TestTheRunbookIsTrue(t *testing.T) {
	doc := readRunbook(t)
	t.Run("alone", func(t *testing.T) { doc.isFollowed(t) })
	t.Run("by two people", func(t *testing.T) { doc.isFollowedByTwo(t) })
	for _, b := range doc.blocks {
		if !b.done {
			t.Errorf("nobody has tried this in %q:\n%s", b.section, b.text)
		}
	}
}

func (r *runbook) isFollowed(t *testing.T) {
	ctx := t.Context()
	c := start(t, stage.Options{})
	a := openAct(ctx, t, c, "staging")
	a.must(c.Apply(ctx, []byte(r.take(t, "Who may", "", "yaml")[0])))
	a.types(ctx, "admin", r.take(t, "Who may", "", "sh")...)
	a.guards(ctx, r.take(t, "Settings", "", "yaml")[0])
	a.kubectl(ctx, "agent", nil, "apply", "-n", a.name, "-f", filepath.Join(a.dir, "repo/apps"))
	checkout := a.checkout(ctx)

	said := a.types(ctx, "developer", r.take(t, "At 3 a.m.", "1", "sh")...)
	answer := regexp.MustCompile("`(Warning: [^`]+)`").FindStringSubmatch(r.text)
	if answer == nil || !strings.Contains(a.timeless(said), strings.TrimSpace(a.timeless(answer[1]))) {
		t.Errorf("the answer is %s\nand not %q", said, answer)
	}
	a.types(ctx, "developer", r.take(t, "At 3 a.m.", "2", "sh")...)
	held, err := c.Plane.Kubectl(ctx, c.Users["agent"], "apply", "-n", a.name, "-f", filepath.Join(a.dir, "repo/apps/deployment.yaml")).CombinedOutput()
	if want := r.take(t, "What the sync agent reads", "", "")[0]; err == nil || !strings.Contains(a.timeless(string(held)), a.timeless(want)) {
		t.Errorf("the agent reads %s\nand not %s", held, want)
	}

	command, want := typed(r.take(t, "What the patch has", "", "console")[0])
	bring := a.types(ctx, "developer", "cd "+checkout+"; "+command)
	if diff := gocmp.Diff(strings.ReplaceAll(a.timeless(want), "/home/dana/infra", checkout), a.timeless(bring)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", command, diff)
	}
	a.types(ctx, "developer", "rm "+checkout+"/fix.patch")
	for _, block := range r.take(t, "At 3 a.m.", "3", "sh") {
		said = a.types(ctx, "developer", "cd "+checkout+"\n"+block)
	}
	if !strings.Contains(said, "\n-  replicas: 1\n+  replicas: 5\n") {
		t.Errorf("the checkout differs by %s", said)
	}
	a.commits("replicas: 1", "replicas: 5")
	a.eventually(ctx, "Git has caught up", func() (bool, string) {
		states := string(a.kubectl(ctx, "developer", nil, "get", "breakglasses", "-o", "jsonpath={.items[*].status.state}"))
		return strings.Contains(states, "Reconciled"), states
	})
	a.types(ctx, "developer", r.take(t, "At 3 a.m.", "4", "sh")...)

	command, want = typed(r.take(t, "Afterwards: what was done", "", "console")[0])
	if diff := gocmp.Diff(a.timeless(cells(want)), a.timeless(cells(a.types(ctx, "developer", command)))); diff != "" {
		t.Errorf("%s (-want +got):\n%s", command, diff)
	}
	if all := a.types(ctx, "developer", r.take(t, "Afterwards: what was done", "", "sh")...); !strings.Contains(all, "spec.replicas: Git says 1, the request says 5") {
		t.Errorf("it doesn't say how it departed from Git: %s", all)
	}
	a.types(ctx, "developer", r.take(t, "With the plugin", "", "sh")...)
}

// isFollowedByTwo has dana and erin type what the page has them say to each other.
func (r *runbook) isFollowedByTwo(t *testing.T) {
	ctx := t.Context()
	c := start(t, stage.Options{})
	a := openAct(ctx, t, c, "staging")
	for _, role := range []string{r.take(t, "Who may", "", "yaml")[0], r.take(t, "Two people", "", "yaml")[0]} {
		a.must(c.Apply(ctx, []byte(role)))
	}
	a.types(ctx, "admin", "kubectl create clusterrolebinding dana --clusterrole=break-glass --user=dana",
		"kubectl create clusterrolebinding erin --clusterrole=approve-break-glass --user=erin")
	a.guards(ctx, strings.Replace(r.take(t, "Settings", "", "yaml")[0], "approvers: 0", "approvers: 1", 1))
	a.kubectl(ctx, "agent", nil, "apply", "-n", a.name, "-f", filepath.Join(a.dir, "repo/apps"))

	people := map[string]string{"dana": "developer", "erin": "colleague"}
	code := regexp.MustCompile(`break-glass-approve=(\w+)`)
	story := r.take(t, "Two people", "", "console")[0]
	written := code.FindStringSubmatch(story)[1]
	given := written
	for step := range strings.SplitSeq(strings.ReplaceAll(story, "\nerin$", "\n\x00erin$"), "\x00") {
		who, rest, _ := strings.Cut(step, "$ ")
		command, want, _ := strings.Cut(rest, "\n")
		said := a.types(ctx, people[who], strings.ReplaceAll(command, written, given))
		if found := code.FindStringSubmatch(said); found != nil {
			given = found[1]
		}
		said = strings.ReplaceAll(said, given, written)
		if !strings.HasPrefix(a.timeless(said), a.timeless(want)) {
			t.Errorf("%s reads %s\nand not %s", who, said, want)
		}
	}
}

// typed is what the first line of a block has typed, and what it says then.
func typed(block string) (command, said string) {
	command, said, _ = strings.Cut(strings.TrimPrefix(block, "$ "), "\n")
	return command, said
}

// checkout is the repository as somebody works on it, and the source in the cluster that
// says what of it is rendered.
func (a *act) checkout(ctx context.Context) string {
	a.t.Helper()
	source := v1alpha1.GitSource{TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "GitSource"}}
	source.Name = "infra"
	source.Spec.Git = &v1alpha1.Git{URL: a.variables["GIT_URL"], Paths: []v1alpha1.Path{{Path: "apps", Namespace: a.name}}}
	text, err := yaml.Marshal(&source)
	a.must(err)
	a.kubectl(ctx, "admin", bytes.NewBuffer(text), "create", "-f", "-")
	dir := filepath.Join(a.dir, "checkout")
	out, err := exec.CommandContext(ctx, "git", "clone", "--quiet", source.Spec.Git.URL, dir).CombinedOutput()
	if err != nil {
		a.t.Fatalf("git clone: %v\n%s", err, out)
	}
	return dir
}

// types has a user type commands into a shell, and returns what they print. Each has to
// succeed.
func (a *act) types(ctx context.Context, user string, commands ...string) string {
	a.t.Helper()
	script := "set -eu\n" + strings.Join(commands, "\n")
	cmd := exec.CommandContext(ctx, "sh", "-c", script)
	cmd.Env = append(append(os.Environ(), a.cluster.Plane.KubectlEnv(a.cluster.Users[user])...), "PATH="+a.cluster.Path())
	out, err := cmd.CombinedOutput()
	if err != nil {
		a.t.Fatalf("%s: %s%v\n%s", user, script, err, out)
	}
	return string(out)
}

// guards commits what is given, and starts the webhook with the settings of a policy.
func (a *act) guards(ctx context.Context, settings string) {
	a.t.Helper()
	var p v1alpha1.GuardPolicy
	a.must(yaml.UnmarshalStrict([]byte(settings), &p))
	p.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "GuardPolicy"}
	p.Name, p.Spec.Mode = "everything", v1alpha1.ModeEnforce
	p.Spec.Agents.Subjects = []v1alpha1.Subject{{Kind: v1alpha1.SubjectServiceAccount, Namespace: "flux-system", Name: "kustomize-controller"}}
	text, err := yaml.Marshal(&p)
	a.must(err)
	a.must(os.WriteFile(filepath.Join(a.dir, "config", "policy.yaml"), text, 0o600))
	a.commits("", "")
	w, err := a.cluster.StartWebhook(stage.WebhookOptions{Name: a.name, Config: filepath.Join(a.dir, "config")})
	a.must(err)
	a.webhook = w
	a.must(w.WaitReady(ctx))
	a.registered = true
	a.must(w.Register(ctx, stage.Registration{
		Namespaces: &metav1.LabelSelector{MatchLabels: map[string]string{scenarioLabel: a.name}},
		Condition:  fmt.Sprintf("has(request.namespace) || (has(request.name) && request.name == '%s')", a.name),
	}, a.name))
}

// commits commits what is given, with other words in it.
func (a *act) commits(old, replaced string) {
	a.t.Helper()
	files, err := gitserver.Files(os.DirFS(filepath.Join(a.dir, "repo")))
	a.must(err)
	for name, content := range files {
		if old != "" {
			files[name] = strings.ReplaceAll(content, old, replaced)
		}
	}
	_, err = a.repository.Commit(gitserver.Commit{Replace: true, Files: files})
	a.must(err)
}

// TestTheRunbookSaysNothingUntried finds what docs/break-glass.md says beside its
// blocks: messages in the scenarios, and what brings Git back in the agents' tests.
func TestTheRunbookSaysNothingUntried(t *testing.T) {
	doc := readRunbook(t)
	var scenarios strings.Builder
	for _, path := range catalogue(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		scenarios.Write(text)
	}
	_, table, _ := strings.Cut(doc.text, "| the message says |")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(table, "\n")[2:]
	if len(rows) == 0 {
		t.Error("no message is explained")
	}
	for _, row := range rows {
		message := strings.TrimSpace(strings.Split(row, "|")[1])
		pattern := "(?i)" + strings.ReplaceAll(regexp.QuoteMeta(strings.TrimPrefix(message, "– ")), "…", ".*")
		if !regexp.MustCompile(pattern).MatchString(scenarios.String()) {
			t.Errorf("no scenario has the message %q", message)
		}
	}

	agents, err := os.ReadFile("agents/breakglass_test.go")
	if err != nil {
		t.Fatal(err)
	}
	tried := map[string]string{
		`kubectl annotate kustomization NAME -n flux-system --overwrite reconcile.fluxcd.io/requestedAt="$(date)"`: `"annotate", "kustomization/guestbook-staging", "--namespace=flux-system", "--overwrite", "reconcile.fluxcd.io/requestedAt="`,
		"syncPolicy.retry: {limit: -1, refresh: true}":                                                             "retry: {limit: -1, refresh: true, ",
	}
	for says, does := range tried {
		if !strings.Contains(doc.text, "`"+says+"`") || !strings.Contains(string(agents), does) {
			t.Errorf("%s: the runbook doesn't say so, or the agents' tests don't do it", says)
		}
	}
	for _, command := range regexp.MustCompile("`(kubectl [^`\n ]+ [^`\n ]+ [^`\n]+)`").FindAllStringSubmatch(doc.text, -1) {
		if _, ok := tried[command[1]]; !ok {
			t.Errorf("%s is in no block, so nobody tries it", command[1])
		}
	}
}
