package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// silent is how long after its last word a replica counts as gone: each writes
// once a minute.
const silent = 5 * time.Minute

// silence says that no replica was heard of lately; nothing if one was, or if
// there is no GitSource to say it in.
func silence(s status) []string {
	var last time.Time
	for i := range s.Sources {
		for _, r := range s.Sources[i].Status.Replicas {
			if r.LastSeenTime.After(last) {
				last = r.LastSeenTime.Time
			}
		}
	}
	switch since := s.now.Sub(last); {
	case len(s.Sources) == 0 || since <= silent:
		return nil
	case last.IsZero():
		return []string{"No replica of gitonly was heard of yet: see whether its Pods are up, and what they log."}
	default:
		return []string{fmt.Sprintf("No replica of gitonly was heard of since %s (%s ago), and all else here is as old: see whether its Pods are up, and what they log.",
			at(last), duration.HumanDuration(since))}
	}
}

// differing says which replica is at which revision, unless all are at the same.
func differing(replicas []v1alpha1.ReplicaStatus, now time.Time) []string {
	if !slices.ContainsFunc(replicas, func(r v1alpha1.ReplicaStatus) bool { return r.Revision != replicas[0].Revision }) {
		return nil
	}
	var lines []string
	for _, r := range replicas {
		seen := duration.HumanDuration(now.Sub(r.LastSeenTime.Time))
		lines = append(lines, fmt.Sprintf("replica %s is at %s (seen %s ago)", r.Name, cmp.Or(r.Revision, "no revision"), seen))
	}
	return lines
}
