package main

import (
	"slices"
	"testing"
)

func TestStatusSaysThatNoReplicaWasHeardOf(t *testing.T) {
	const (
		unheard = "kind: GitSource\nmetadata: {name: new}"
		old     = "kind: GitSource\nmetadata: {name: apps}\nstatus: {replicas: [{name: a, lastSeenTime: \"2026-03-01T10:00:00Z\"}, {name: b, lastSeenTime: \"2026-03-01T11:54:59Z\"}]}"
		lately  = "kind: GitSource\nmetadata: {name: infra}\nstatus: {replicas: [{name: a, lastSeenTime: \"2026-03-01T11:55:00Z\"}]}"
		ahead   = "kind: GitSource\nmetadata: {name: infra}\nstatus: {replicas: [{name: a, lastSeenTime: \"2026-03-01T12:10:00Z\"}]}"
	)
	for _, test := range []struct {
		name    string
		objects []string
		want    []string
	}{
		{name: "there is no GitSource to say it in"},
		{name: "none ever was", objects: []string{unheard}, want: []string{"No replica of gitonly was heard of yet: see whether its Pods are up, and what they log."}},
		{name: "none was for five minutes", objects: []string{unheard, old},
			want: []string{"No replica of gitonly was heard of since 2026-03-01T11:54:59Z (5m1s ago), and all else here is as old: see whether its Pods are up, and what they log."}},
		{name: "one was, of another GitSource", objects: []string{unheard, old, lately}},
		{name: "its clock is ahead", objects: []string{ahead}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := readStatus(t.Context(), objects(t, test.objects...), "")
			if err != nil {
				t.Fatal(err)
			}
			s.now = statusTime
			if got := silence(s); !slices.Equal(got, test.want) {
				t.Errorf("said %q, want %q", got, test.want)
			}
		})
	}
}
