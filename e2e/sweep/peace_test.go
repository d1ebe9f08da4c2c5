package sweep

import (
	"fmt"
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

func (c *tally) add(other tally) {
	c.tried, c.refused, c.invalid = c.tried+other.tried, c.refused+other.refused, c.invalid+other.invalid
}

// peace writes each object as it is.
func (s *scene) peace(t *testing.T) {
	tallies := s.byKubectl(t)
	tallies = append(tallies, s.byRequest(t)...)
	forTheRecord := func(c tally) bool { return c.way == replaceByGit }
	printTallies(t, fmt.Sprintf("peace sweep over %d objects:", len(s.things)), "all", slices.DeleteFunc(slices.Clone(tallies), forTheRecord))
	printTallies(t, "for the record:", "", slices.DeleteFunc(tallies, func(c tally) bool { return !forTheRecord(c) }))
}

// printTallies prints a table, with the sum last if it has a name.
func printTallies(t *testing.T, title, all string, tallies []tally) {
	var text strings.Builder
	total := tally{way: all}
	line := func(c tally) { fmt.Fprintf(&text, "%-84s %6d %8d %8d\n", c.way, c.tried, c.refused, c.invalid) }
	for _, c := range tallies {
		line(c)
		total.add(c)
	}
	if all != "" {
		line(total)
	}
	t.Logf("%s\n%-84s %6s %8s %8s\n%s", title, "", "tried", "refused", "invalid", text.String())
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
	var asides []string
	for j, r := range requests {
		tallies[j].way = r.way
		for i, thing := range s.things {
			err := answers[i][j]
			message, ours := denied(err)
			switch {
			case ours && r.way == replaceByGit:
				tallies[j].tried++
				tallies[j].refused++
				asides = append(asides, fmt.Sprintf("refused\t%s\t%s\t%s", thing.name, r.way, strings.Join(namedFields(message), " ")))
			case ours || webhookFailed(err):
				tallies[j].tried++
				tallies[j].refused++
				t.Errorf("%s: %s: refused: %v %s", thing.name, r.way, err, message)
			case err == nil:
				tallies[j].tried++
			case !notApplicable(err):
				tallies[j].invalid++
				reason, _, _ := strings.Cut(err.Error(), "\n")
				asides = append(asides, fmt.Sprintf("invalid\t%s\t%s\t%s", thing.name, r.way, reason))
			}
		}
	}
	keepLines(t, "peace.txt", asides)
	return tallies
}
