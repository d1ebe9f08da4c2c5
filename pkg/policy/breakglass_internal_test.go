package policy

import (
	"testing"
	"time"
)

func TestDurationsAreSaidWithoutTheirZeroUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		4 * time.Hour: "4h", 90 * time.Minute: "1h30m", 10 * time.Minute: "10m", 20 * time.Minute: "20m", 10 * time.Hour: "10h", 100 * time.Hour: "100h",
		30 * time.Second: "30s", 90 * time.Second: "1m30s", time.Hour + time.Second: "1h0m1s", 500 * time.Millisecond: "500ms", 0: "0s",
	} {
		if got := span(d); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
}

func TestTimesAreSaidAsAnnotationsHaveThem(t *testing.T) {
	at := time.Date(2026, 3, 1, 13, 30, 0, 999, time.FixedZone("CET", 3600))
	if got := moment(at); got != "2026-03-01T12:30:00Z" {
		t.Errorf("got %s", got)
	}
}

func TestPathsOverlapWhereOneIsInsideTheOther(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"*", "spec.replicas", true},
		{"spec.replicas", "spec.replicas", true},
		{"spec.template", "spec.template.spec.containers[name=web].image", true},
		{"spec.containers", "spec.containers[name=web]", true},
		{"spec.containers[name=web].image", "spec.containers[name=web]", true},
		{"spec.containers[name=web]", "spec.containers[name=web2]", false},
		{"spec.replicas", "spec.replicasMax", false},
		{"data.a", "data.b", false},
	} {
		for _, pair := range [][2]string{{test.a, test.b}, {test.b, test.a}} {
			if pair[1] == "*" {
				continue // differences have no such path
			}
			if got := overlap(pair[0], pair[1]); got != test.want {
				t.Errorf("%s and %s: %t", pair[0], pair[1], got)
			}
		}
	}
}

func TestAnAnnotationStandsForTheEmergencyThatItOpened(t *testing.T) {
	from := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	until := from.Add(time.Hour)
	policys := &Emergency{Reason: "why", From: from, Until: until}
	asked := &Emergency{Reason: "why", From: from, Until: until, Asked: until}
	for _, test := range []struct {
		name       string
		annotation Annotation
		emergency  *Emergency
		want       bool
	}{
		{"by its reason", Annotation{Reason: "why"}, policys, true},
		{"another reason", Annotation{Reason: "why not"}, policys, false},
		{"no reason", Annotation{}, &Emergency{}, false},
		{"a time that nobody was asked for", Annotation{"why", "2026-03-01T13:00:00Z"}, policys, false},
		{"a time that is left over", Annotation{"why", "2026-03-01T11:00:00Z"}, policys, true},
		{"its time", Annotation{"why", "2026-03-01T13:00:00Z"}, asked, true},
		{"its time elsewhere", Annotation{"why", "2026-03-01T14:00:00+01:00"}, asked, true},
		{"its time, finer than records have it", Annotation{"why", "2026-03-01T13:00:00.7Z"}, asked, true},
		{"another time", Annotation{"why", "2026-03-01T13:00:01Z"}, asked, false},
		{"its time is gone", Annotation{Reason: "why"}, asked, false},
		{"no time at all", Annotation{"why", "tomorrow"}, asked, false},
	} {
		if got := test.annotation.Stands(test.emergency); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}
