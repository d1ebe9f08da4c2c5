package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// row is one thing that was measured.
type row struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Noise  float64 `json:"noise"` // median absolute deviation of the rounds; 0 where there was one
	Unit   string  `json:"unit"`
	Target string  `json:"target,omitempty"`
	Met    *bool   `json:"met,omitempty"`
}

// table prints each row as it comes.
type table struct {
	out  io.Writer
	rows []row
}

// samples are what the rounds measured of one thing.
type samples []float64

func (s samples) median() float64 {
	sorted := slices.Sorted(slices.Values(s))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// noise is the median absolute deviation.
func (s samples) noise() float64 {
	middle := s.median()
	var off samples
	for _, value := range s {
		off = append(off, max(value-middle, middle-value))
	}
	return off.median()
}

// target is a limit that a value should keep.
type target struct {
	limit float64
	least bool // else it is the most
}

func atLeast(limit float64) *target { return &target{limit, true} }
func atMost(limit float64) *target  { return &target{limit, false} }

// add prints the median of what was measured, and whether it meets the target,
// if there is one.
func (t *table) add(name, unit string, measured samples, wanted *target) {
	r := row{Name: name, Value: measured.median(), Noise: measured.noise(), Unit: unit}
	said := ""
	if wanted != nil {
		met := r.Value <= wanted.limit
		r.Target = fmt.Sprintf("≤ %g", wanted.limit)
		if wanted.least {
			met = r.Value >= wanted.limit
			r.Target = fmt.Sprintf("≥ %g", wanted.limit)
		}
		r.Met = &met
		said = map[bool]string{true: "met", false: "MISSED"}[met]
	}
	if len(t.rows) == 0 {
		fmt.Fprintf(t.out, "%-64s %11s %9s  %-8s %-8s %s\n", "what", "median", "± noise", "unit", "target", "")
	}
	t.rows = append(t.rows, r)
	fmt.Fprintf(t.out, "%-64s %11.4g %9.2g  %-8s %-8s %s\n", r.Name, r.Value, r.Noise, r.Unit, r.Target, said)
}

func (t *table) save(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	encoded, err := json.MarshalIndent(t.rows, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(encoded, '\n'), 0o644)
}

// over divides each by the other of the same round.
func (s samples) over(other samples) samples {
	ratios := make(samples, len(s))
	for i := range s {
		ratios[i] = s[i] / other[i]
	}
	return ratios
}
