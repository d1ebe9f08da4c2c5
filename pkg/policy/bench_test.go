package policy_test

import (
	"testing"

	"gitonly.dev/gitonly/e2e/bench/workload"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

func BenchmarkDecide(b *testing.B) {
	types, err := builtin.Types()
	if err != nil {
		b.Fatal(err)
	}
	p, err := workload.Policy(types, v1alpha1.ModeEnforce)
	if err != nil {
		b.Fatal(err)
	}
	keeping := p
	keeping.Types = types.Keeping(1 << 20)
	for size, declared := range map[string]workload.Size{"4KB": workload.Small, "40KB": workload.Large} {
		snap := gitindex.NewSnapshot([]gitindex.SourceState{workload.Named(map[string]workload.Size{"web": declared}, 0, 0)})
		for _, c := range workload.Cases {
			request := workload.Decision(c, "web", declared)
			for name, p := range map[string]policy.Policy{"": p, "/kept": keeping} {
				b.Run(size+"/"+string(c)+name, func(b *testing.B) {
					b.ReportAllocs()
					var v policy.Verdict
					for b.Loop() {
						v = policy.Decide(request, snap, p)
					}
					if want := map[bool]policy.Outcome{true: policy.Deny, false: policy.Allow}[c == workload.Refused]; v.Outcome != want {
						b.Fatalf("%s: %s", v.Outcome, v.Message)
					}
				})
			}
		}
	}
}
