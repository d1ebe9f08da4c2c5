package rights_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"gitonly.dev/gitonly/e2e/stage"
)

// patience is how long a test waits for what must come in the end.
const patience = 3 * time.Minute

// process is gitonly, of a release of the chart that has its name.
type process struct {
	*scene
	t       *testing.T
	name    string
	webhook *stage.Webhook
	counted atomic.Int32
	from    int // where the log began when a right was taken
}

// leads has the API server ask the process, and waits until it leads.
func (p *process) leads() {
	p.t.Helper()
	err := p.webhook.Register(p.t.Context(), stage.Registration{
		Namespaces:    &metav1.LabelSelector{MatchLabels: map[string]string{"mode": "enforce"}},
		FailurePolicy: admissionregistration.Fail, Condition: "has(request.namespace)",
	}, "shop")
	if err != nil {
		p.t.Fatal(err)
	}
	p.waitFor("the lead", p.log, "leading")
	if out := p.as("admin", "", "wait", "--for=condition=Ready", "--timeout="+patience.String(), "gitsource/infra"); !strings.Contains(out, "condition met") {
		p.t.Fatal(out)
	}
}

// try sees what fails without a row's right.
func (p *process) try(row *row) {
	p.t.Helper()
	if row.before != nil {
		row.before(p)
	}
	give := func() {}
	if row.lane != "" {
		p.from = len(p.log())
		give = p.take(p.t, p.name, row.right)
	}
	defer give()
	said := ""
	if row.act != nil {
		said = row.act(p)
	}
	if row.after != "" {
		defer func() { p.as("admin", row.after, "delete", "-f", "-", "--wait=false") }()
	}
	want := regexp.MustCompile(`(?s)` + strings.ReplaceAll(regexp.QuoteMeta(row.says), "…", ".*?"))
	why := fmt.Sprintf("cannot %s resource %q", row.verb(), row.resource)
	if row.right == view {
		why = `cannot get resource "configmaps"`
	}
	times := 1
	if row.in == readyz {
		times = 3 // it would be ready by then
	}
	err := wait.PollUntilContextTimeout(p.t.Context(), 100*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		is := p.at(row.in, said)
		return want.MatchString(is) && strings.Count(is+p.log()[p.from:], why) >= times, nil
	})
	if err != nil {
		p.t.Errorf("%s: %s doesn't say %q, or nobody says %q: it is\n%s", row, row.in, row.says, why, p.at(row.in, said))
	}
}

// at is all that there is to be read in a place.
func (p *process) at(in place, answer string) string {
	switch in {
	case inLog:
		return p.log()[p.from:]
	case status:
		return plain(p.as("admin", "", "get", "gitsources,guardpolicies,breakglasses", "-o", "jsonpath={.items[*].status}"))
	case metrics:
		text, _ := p.webhook.Metrics(p.t.Context()) // it may not answer yet
		return text
	case readyz:
		text, _ := p.webhook.Ready(p.t.Context())
		return text
	}
	return answer
}

func (p *process) log() string {
	p.t.Helper()
	text, err := os.ReadFile(p.webhook.Log)
	if err != nil {
		p.t.Fatal(err)
	}
	return plain(string(text))
}

// plain is JSON as people read it.
func plain(text string) string { return strings.ReplaceAll(text, `\"`, `"`) }

// as has a user run kubectl, and returns all that it prints.
func (p *process) as(user, stdin string, args ...string) string {
	cmd := p.Plane.Kubectl(p.t.Context(), p.Users[user], args...)
	cmd.Stdin = strings.NewReader(strings.ReplaceAll(stdin, "$URL", p.url))
	out, err := cmd.CombinedOutput()
	if err != nil && user == "admin" {
		p.t.Errorf("kubectl %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// asks sends the process a review of its own.
func (p *process) asks(review string) string {
	_, answer, err := p.webhook.Review(p.t.Context(), []byte(review))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(answer)
}

func (p *process) count() int32 { return p.counted.Add(1) }

func (p *process) waitFor(what string, is func() string, want string) {
	p.t.Helper()
	err := wait.PollUntilContextTimeout(p.t.Context(), 100*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		return strings.Contains(is(), want), nil
	})
	if err != nil {
		p.t.Fatalf("waiting for %s: it is\n%s", what, is())
	}
}
