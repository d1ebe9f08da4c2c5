package outages_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"gitonly.dev/gitonly/e2e/document"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

func TestOutages(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a control plane")
	}
	c := open(t)
	t.Run("what a write gets", c.table)
	t.Run("what can be written without gitonly", c.wayOut)
	t.Run("a registration in a file can't be deleted", c.static)
}

// table goes through all situations, and compares what comes of them with
// docs/outages.md.
func (c *cluster) table(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux bounds the memory of a rendering")
	}
	var all []outcomes
	for i, situation := range situations {
		t.Run(situation.name, func(t *testing.T) {
			s := c.set(t, fmt.Sprintf("outage-%d", i))
			s.must(situation.happens(t.Context(), s))
			all = append(all, s.observe(t.Context(), situation.name))
		})
	}
	if !t.Failed() {
		document.Part(t, "outages.md", "./e2e/outages", tables(all), *update)
	}
}

// outcomes are what comes of a situation.
type outcomes struct {
	situation string
	answers   [][]answer // by write and combination
	ready     string     // what /readyz says
	sources   string     // how Ready the GitSources are
	counted   bool       // by the API server, as writes without an answer
}

// observe has everybody write, in all namespaces at a time.
func (s *scene) observe(ctx context.Context, situation string) outcomes {
	s.t.Helper()
	before, err := s.counted(ctx)
	s.must(err)
	seen := outcomes{situation: situation, answers: make([][]answer, len(writes))}
	errs := make([]error, len(writes)*len(combinations))
	var group sync.WaitGroup
	for i, w := range writes {
		seen.answers[i] = make([]answer, len(combinations))
		for j, combination := range combinations {
			group.Go(func() {
				got, err := w.try(ctx, s.cluster, combination.namespace())
				got.message = s.timeless(got.message, combination)
				seen.answers[i][j], errs[i*len(combinations)+j] = got, err
			})
		}
	}
	group.Wait()
	for _, err := range errs {
		s.must(err)
	}
	after, err := s.counted(ctx)
	s.must(err)
	if (after.passed > before.passed) != (after.refused > before.refused) {
		s.t.Errorf("the API server counted %+v before and %+v after: no situation has answers to one registration only", before, after)
	}
	if seen.counted = after.passed > before.passed; seen.counted {
		seen.passUnasked()
	}
	seen.ready = s.timeless(s.readiness(ctx), combination{})
	seen.sources, err = s.conditions(ctx)
	s.must(err)
	return seen
}

// passUnasked tells what passed for want of an answer from what was allowed.
func (o *outcomes) passUnasked() {
	for _, answers := range o.answers {
		for j := range answers {
			if answers[j].outcome == allowed {
				answers[j].outcome = unasked
			}
		}
	}
}

// readiness is what /readyz says, cut down to what is wrong in general.
func (s *scene) readiness(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, timeout*time.Second)
	defer cancel()
	text, err := s.webhook.Ready(ctx)
	switch {
	case err == nil:
		lines := strings.Split(strings.TrimSpace(text), "\n")
		last, _, _ := strings.Cut(lines[len(lines)-1], ";")
		return last
	case text == "":
		return "no answer"
	}
	var wrong []string
	for line := range strings.Lines(text) {
		if check, failed := strings.CutPrefix(strings.TrimSpace(line), "[-]"); failed {
			general, _, _ := strings.Cut(check, ";")
			wrong = append(wrong, general)
		}
	}
	return strings.Join(wrong, "; ")
}

// conditions are the GitSources' Ready.
func (s *scene) conditions(ctx context.Context) (string, error) {
	var list v1alpha1.GitSourceList
	if err := s.own.List(ctx, &list); err != nil {
		return "", err
	}
	var all []string
	for _, source := range list.Items {
		ready := meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionReady)
		if ready == nil {
			return "", fmt.Errorf("GitSource %s has no condition", source.Name)
		}
		is := fmt.Sprintf("%s: %s", ready.Status, ready.Reason)
		if len(list.Items) > 1 {
			is = source.Name + " " + is
		}
		if source.Status.Objects == 0 && ready.Status == "True" {
			is += ", 0 objects"
		}
		all = append(all, is)
	}
	if len(all) == 0 {
		return "there is none", nil
	}
	return strings.Join(all, "; "), nil
}
