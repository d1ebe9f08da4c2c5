package policy_test

import (
	"testing"

	"gitonly.dev/gitonly/pkg/policy"
)

func BenchmarkDecide(b *testing.B) {
	p := build(b, guard(b, "test", enforce))
	snap := snapshot(b, guestbook)
	for name, r := range map[string]policy.Request{
		"Agent":      request(b, agent, policy.Update, guestbook, scaled),
		"Undeclared": request(b, person, policy.Update, guestbook, scaled, named("other")),
		"Converging": request(b, person, policy.Update, scaled, guestbook),
		"Refused":    request(b, person, policy.Update, guestbook, scaled),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				policy.Decide(r, snap, p)
			}
		})
	}
}
