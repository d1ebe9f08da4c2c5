package main

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"gitonly.dev/gitonly/e2e/bench/workload"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

// measureDecisions decides in this process, with indexes of 1,000 and 100,000
// objects by turns.
func measureDecisions(_ context.Context, s settings, results *table) error {
	types, err := builtin.Types()
	if err != nil {
		return err
	}
	p, err := workload.Policy(types, v1alpha1.ModeEnforce)
	if err != nil {
		return err
	}
	keeping := p
	keeping.Types = types.Keeping(sidesKept)
	few := gitindex.NewSnapshot([]gitindex.SourceState{workload.Named(deployments, 1_000, 200)})
	many := gitindex.NewSnapshot([]gitindex.SourceState{workload.Named(deployments, 100_000, 200)})
	request := workload.Decision(workload.Refused, "small", workload.Small)
	var took, allocations, again, fewer, growth samples
	for range s.rounds {
		a, b, c := decide(request, few, p), decide(request, many, p), decide(request, few, keeping)
		took, again = append(took, float64(a.NsPerOp())/1000), append(again, float64(c.NsPerOp())/1000)
		allocations, fewer = append(allocations, float64(a.AllocsPerOp())), append(fewer, float64(c.AllocsPerOp()))
		growth = append(growth, float64(b.NsPerOp())/float64(a.NsPerOp()))
	}
	results.add("decision, Deployment update refused with its message", "µs", took, atMost(100))
	results.add("decision, the same", "allocs", allocations, atMost(300))
	results.add("decision, the same of an object that was asked about before", "µs", again, nil)
	results.add("decision, the same", "allocs", fewer, nil)
	results.add("decision at 100,000 declared objects against 1,000", "ratio", growth, atMost(1.05))
	return measurePacked(s, p, results)
}

// measurePacked decides of a large object that is held as it is and compressed,
// by turns.
func measurePacked(s settings, p policy.Policy, results *table) error {
	state := workload.Named(map[string]workload.Size{"first": workload.Large, "second": workload.Large}, 0, 0)
	plain := gitindex.NewSnapshot([]gitindex.SourceState{state})
	objects := slices.Clone(state.Locations[0].Objects)
	gitindex.Pack(objects)
	state.Locations = []gitindex.LocationState{{Location: state.Locations[0].Location, Revision: state.Revision, Objects: objects}}
	packed := gitindex.NewSnapshot([]gitindex.SourceState{state})
	request := workload.Decision(workload.Refused, "second", workload.Large)
	var took, growth samples
	for range s.rounds {
		a, b := decide(request, plain, p), decide(request, packed, p)
		took = append(took, float64(b.NsPerOp())/1000)
		growth = append(growth, float64(b.NsPerOp())/float64(a.NsPerOp()))
	}
	size := float64(objects[1].Manifest.Len()) / 1024
	results.add(fmt.Sprintf("decision, of a review of 40 KB, %.0f KB in Git held compressed", size), "µs", took, nil)
	results.add("decision, the same against held as it is", "ratio", growth, nil)
	return nil
}

func decide(request policy.Request, snapshot *gitindex.Snapshot, p policy.Policy) testing.BenchmarkResult {
	return testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			policy.Decide(request, snapshot, p)
		}
	})
}
