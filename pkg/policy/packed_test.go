package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

// TestWhatIsHeldCompressedIsComparedLikeAnythingElse decides, and looks for
// departures, by objects that are too small to be compressed and by larger ones.
func TestWhatIsHeldCompressedIsComparedLikeAnythingElse(t *testing.T) {
	p := build(t, guard(t, "test", "mode: Enforce"))
	for _, bytes := range []int{0, 500, 2000, 20_000} {
		with := func(object string) string {
			return strings.Replace(object, "labels: {app: guestbook}", fmt.Sprintf("labels: {app: guestbook}, annotations: {text: %q}", strings.Repeat("note ", bytes/5)), 1)
		}
		declared := []gitindex.Declared{declare(t, strings.Replace(with(guestbook), "name: guestbook", "name: first", 1)), declare(t, with(guestbook))}
		packed := slices.Clone(declared)
		gitindex.Pack(packed)
		if held := &packed[1].Manifest.JSON()[0] == &declared[1].Manifest.JSON()[0]; held != (bytes < 1000) {
			t.Errorf("of %d bytes more: held as it is: %t", bytes, held)
		}
		for _, test := range []struct {
			name string
			r    policy.Request
			want policy.Reason
		}{
			{"a departure", request(t, person, policy.Update, with(guestbook), with(scaled)), policy.DeclaredFieldChanged},
			{"a return to Git", request(t, person, policy.Update, with(scaled), with(guestbook)), policy.Converging},
			{"no change", request(t, person, policy.Update, with(scaled), with(scaled)), policy.Unchanged},
		} {
			want, got := policy.Decide(test.r, snapshotOf(declared), p), policy.Decide(test.r, snapshotOf(packed), p)
			if got.Reason != test.want || got.Message != want.Message {
				t.Errorf("%s, of %d bytes more: %s %s\nnot %s", test.name, bytes, got.Reason, got.Message, want.Message)
			}
		}
		got, err := policy.Departures(p.Types, snapshotOf(packed), guestbookKey, "v1", asJSON(t, with(scaled)), []string{"*"})
		if diff := cmp.Diff([]string{"spec.replicas"}, got); err != nil || diff != "" {
			t.Errorf("departures, of %d bytes more: %v (-want +got):\n%s", bytes, err, diff)
		}
	}
}
