package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestATableSaysWhatMeetsItsTarget(t *testing.T) {
	var printed strings.Builder
	results := &table{out: &printed}
	results.add("throughput", "ratio", samples{.5, .9, .7}, atLeast(.75))
	results.add("took", "ms", samples{4, 1, 3, 2}, atMost(2.5))
	results.add("rate", "1/s", samples{8000}, nil)
	want := `what                                                                  median   ± noise  unit     target   
throughput                                                               0.7       0.2  ratio    ≥ 0.75   MISSED
took                                                                     2.5         1  ms       ≤ 2.5    met
rate                                                                    8000         0  1/s               
`
	if diff := cmp.Diff(want, printed.String()); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}

	path := filepath.Join(t.TempDir(), "out", "bench.json")
	if err := results.save(path); err != nil {
		t.Fatal(err)
	}
	saved, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]any
	if err := json.Unmarshal(saved, &rows); err != nil {
		t.Fatal(err)
	}
	wanted := []map[string]any{
		{"name": "throughput", "value": .7, "noise": .2, "unit": "ratio", "target": "≥ 0.75", "met": false},
		{"name": "took", "value": 2.5, "noise": 1., "unit": "ms", "target": "≤ 2.5", "met": true},
		{"name": "rate", "value": 8000., "noise": 0., "unit": "1/s"},
	}
	if diff := cmp.Diff(wanted, rows, cmp.Comparer(func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 })); diff != "" {
		t.Errorf("saved (-want +got):\n%s", diff)
	}
}
