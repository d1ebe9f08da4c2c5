package sweep

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mutation changes, removes and adds each field in turn.
func (s *scene) mutation(t *testing.T) {
	var all []trial
	caches := map[*thing]*cache{}
	for _, thing := range s.things {
		caches[thing] = &cache{}
		all = append(all, thing.trials()...)
	}
	results, err := try(t.Context(), all, caches)
	if err != nil {
		t.Fatal(err)
	}
	allowed, err := exceptions()
	if err != nil {
		t.Fatal(err)
	}
	figures := map[string]map[outcome]int{}
	exact, excepted := 0, 0
	for _, r := range results {
		counted := figures[r.trial.op]
		if counted == nil {
			counted = map[outcome]int{}
			figures[r.trial.op] = counted
		}
		if r.outcome == slipped && excused(allowed, r) {
			excepted++
			continue
		}
		counted[r.outcome]++
		if r.outcome == refused {
			s.proved = append(s.proved, r)
		}
		if r.naming == exactly {
			exact++
		}
		if r.outcome == slipped || r.outcome == misnamed || r.outcome == broken {
			t.Errorf("%s: %s: %s", r.outcome, r.trial, r.detail)
		}
	}
	for _, e := range allowed {
		if !e.used {
			t.Errorf("exceptions.txt: nothing needs %q", e.line)
		}
	}
	report(t, len(s.things), figures, exact, excepted)
	keep(t, "mutation.txt", results)
}

// try runs trials side by side; their results come in the same order.
func try(ctx context.Context, all []trial, caches map[*thing]*cache) ([]result, error) {
	results := make([]result, len(all))
	err := sideBySide(len(all), func(i int) (err error) {
		results[i], err = all[i].run(ctx, caches[all[i].thing])
		return err
	})
	return results, err
}

// report prints the figures.
func report(t *testing.T, objects int, figures map[string]map[outcome]int, exact, excepted int) {
	total := map[outcome]int{}
	var text strings.Builder
	line := func(name string, c map[outcome]int) {
		fmt.Fprintf(&text, "%-10s %7d %8d %8d %9d   %9d %8d %10d\n", name,
			c[refused]+c[slipped]+c[misnamed], c[refused], c[slipped], c[misnamed], c[noChange], c[invalid], c[absent])
	}
	fmt.Fprintf(&text, "%-10s %7s %8s %8s %9s   %9s %8s %10s\n", "", "tried", "refused", "slipped", "misnamed", "no change", "invalid", "not there")
	for _, op := range ops {
		line(op, figures[op])
		for outcome, count := range figures[op] {
			total[outcome] += count
		}
	}
	line("all", total)
	t.Logf("mutation sweep over %d objects:\n%sof the refusals, %d name the very field, the others one above it or what is in it; %d slips are excepted", objects, text.String(), exact, excepted)
}

// keep writes what became of each trial where go test -artifacts wants it.
func keep(t *testing.T, name string, results []result) {
	var lines []string
	for _, r := range results {
		detail, _, _ := strings.Cut(r.detail, "\n")
		if r.outcome == refused {
			detail = strings.Join(namedFields(r.detail), " ")
		}
		lines = append(lines, fmt.Sprintf("%s\t%s\t%s\t%v\t%s", r.outcome, r.naming, r.trial, r.value, detail))
	}
	keepLines(t, name, lines)
}

func keepLines(t *testing.T, name string, lines []string) {
	slices.Sort(lines)
	if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Error(err)
	}
}
