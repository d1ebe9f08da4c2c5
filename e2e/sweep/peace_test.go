package sweep

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// tally counts what became of one way of writing objects as they are.
type tally struct {
	way            string
	tried, refused int
	invalid        int // by the API server
}

// peace writes each object as it is.
func (s *scene) peace(t *testing.T) {
	tallies := s.byKubectl(t)
	tallies = append(tallies, s.byRequest(t)...)
	var text strings.Builder
	total := tally{way: "all but what is for the record"}
	line := func(c tally) {
		fmt.Fprintf(&text, "%-84s %6d %8d %8d\n", c.way, c.tried, c.refused, c.invalid)
	}
	for _, c := range tallies {
		line(c)
		if c.way != replaceByGit {
			total.tried, total.refused, total.invalid = total.tried+c.tried, total.refused+c.refused, total.invalid+c.invalid
		}
	}
	line(total)
	t.Logf("peace sweep over %d objects:\n%-84s %6s %8s %8s\n%s", len(s.things), "", "tried", "refused", "invalid", text.String())
}

// byKubectl runs kubectl on all objects at once. An edit that changes nothing
// isn't among the ways: kubectl then sends nothing.
func (s *scene) byKubectl(t *testing.T) []tally {
	var asApplied, asLive []map[string]any
	for _, thing := range s.things {
		live, err := thing.live(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		asApplied, asLive = append(asApplied, thing.applied), append(asLive, live.Object)
	}
	var tallies []tally
	for _, run := range []struct {
		args    string
		objects []map[string]any
	}{
		{"apply", asApplied},
		{"apply --server-side --force-conflicts", asApplied},
		{"apply --server-side --force-conflicts --field-manager=kustomize-controller", asApplied},
		{"replace", asLive},
	} {
		file, err := manifests(run.objects)
		if err != nil {
			t.Fatal(err)
		}
		cmd := s.kubectl(t.Context(), "admin", append(strings.Fields(run.args), "--dry-run=server", "-f", "-")...)
		var stderr bytes.Buffer
		cmd.Stdin, cmd.Stderr = bytes.NewReader(file), &stderr
		out, _ := cmd.Output() // it fails if any object is refused
		c := tally{way: "kubectl " + run.args}
		c.tried = strings.Count(string(out), "(server dry run)") + strings.Count(string(out), "(dry run)")
		for message := range strings.SplitSeq(stderr.String(), "Error from server") {
			if _, ours := denied(fmt.Errorf("%s", message)); ours {
				c.tried, c.refused = c.tried+1, c.refused+1
				t.Errorf("kubectl %s: %s", run.args, message)
			} else if strings.HasPrefix(message, " (") {
				c.invalid++
				t.Logf("kubectl %s: the API server refuses: %s", run.args, message)
			}
		}
		if c.tried+c.invalid < len(s.things) {
			t.Errorf("kubectl %s wrote %d of %d objects:\n%s%s", run.args, c.tried+c.invalid, len(s.things), out, stderr.String())
		}
		tallies = append(tallies, c)
	}
	return tallies
}

// byRequest sends the requests for each object.
func (s *scene) byRequest(t *testing.T) []tally {
	tallies := make([]tally, len(requests))
	answers := make([][]error, len(s.things))
	err := sideBySide(len(s.things), func(i int) error {
		answers[i] = make([]error, len(requests))
		for j, r := range requests {
			for range 20 {
				live, err := s.things[i].live(t.Context())
				if err != nil {
					return err
				}
				answers[i][j] = r.send(t.Context(), s.things[i], live)
				if !apierrors.IsConflict(answers[i][j]) {
					break // else a controller was faster
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]int{}
	for j, r := range requests {
		tallies[j].way = r.way
		for i, thing := range s.things {
			err := answers[i][j]
			message, ours := denied(err)
			switch {
			case ours && r.way == replaceByGit:
				tallies[j].tried++
				tallies[j].refused++
				t.Logf("%s: %s: refused for %s", thing.name, r.way, strings.Join(namedFields(message), " "))
			case ours || webhookFailed(err):
				tallies[j].tried++
				tallies[j].refused++
				t.Errorf("%s: %s: refused: %v %s", thing.name, r.way, err, message)
			case err == nil:
				tallies[j].tried++
			case !notApplicable(err):
				tallies[j].invalid++
				reasons[fmt.Sprintf("%s: %s: %s", thing.name, r.way, err)]++
			}
		}
	}
	if len(reasons) > 0 {
		t.Logf("what the API server refuses by itself:\n%s", strings.Join(slices.Sorted(maps.Keys(reasons)), "\n"))
	}
	return tallies
}
