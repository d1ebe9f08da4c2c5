package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

func TestDepartures(t *testing.T) {
	const web = "spec.template.spec.containers[name=web].image"
	both := strings.Replace(scaled, "nginx:1.25", "nginx:1.26", 1)
	extra := strings.Replace(guestbook, "replicas: 1", "replicas: 1, paused: true", 1)
	for _, test := range []struct {
		name  string
		git   *gitindex.Snapshot
		live  string
		paths []string
		want  []string
	}{
		{"it is as Git says", snapshot(t, guestbook), guestbook, []string{"*"}, nil},
		{"the field that was changed departs", snapshot(t, guestbook), scaled, []string{"spec.replicas"}, []string{"spec.replicas"}},
		{"another field that departs isn't asked for", snapshot(t, guestbook), both, []string{"spec.replicas"}, []string{"spec.replicas"}},
		{"all of them are", snapshot(t, guestbook), both, []string{"*"}, []string{"spec.replicas", web}},
		{"what is inside the field departs", snapshot(t, guestbook), both, []string{"spec.template"}, []string{web}},
		{"a field that Git is silent about", snapshot(t, guestbook), extra, []string{"spec.paused"}, []string{"spec.paused"}},
		{"is none of all that Git declares", snapshot(t, guestbook), extra, []string{"*"}, nil},
		{"Git says the same by now", snapshot(t, strings.Replace(guestbook, "replicas: 1", "replicas: 5", 1)), scaled, []string{"spec.replicas"}, nil},
		{"the API server's defaults don't depart", snapshot(t, fromPod("{fieldPath: status.podIP}")), fromPod("{fieldPath: status.podIP, apiVersion: v1}"), []string{"spec.template"}, nil},
		{"but another value does", snapshot(t, fromPod("{fieldPath: status.podIP}")), fromPod("{fieldPath: status.podIP, apiVersion: v2}"), []string{"spec.template"},
			[]string{"spec.template.spec.containers[name=web].env[name=IP].valueFrom.fieldRef.apiVersion"}},
		{"it isn't there", snapshot(t, guestbook), "", []string{"spec.replicas"}, []string{"*"}},
		{"Git doesn't declare it", snapshot(t), guestbook, []string{"spec.replicas"}, []string{"*"}},
		{"it is in neither", snapshot(t), "", []string{"*"}, nil},
		{"nothing is loaded", nil, guestbook, []string{"*"}, []string{"*"}},
		{"the agent alone knows what Git says", recorded("apps/guestbook"), guestbook, []string{"spec.replicas"}, []string{"*"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := policy.Departures(build(t).Types, test.git, guestbookKey, "v1", asJSON(t, test.live), test.paths)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// fromPod is the guestbook with a variable out of its Pods' own fields.
func fromPod(ref string) string {
	return strings.Replace(guestbook, `image: "nginx:1.25"`, `image: "nginx:1.25", env: [{name: IP, valueFrom: {fieldRef: `+ref+`}}]`, 1)
}

func TestDeparturesFromWhatCannotBeReadSayWhereThatIs(t *testing.T) {
	_, err := policy.Departures(build(t).Types, snapshot(t, strings.Replace(guestbook, "replicas: 1", "replicas: many", 1)), guestbookKey, "v1", asJSON(t, guestbook), []string{"*"})
	if err == nil || !strings.HasSuffix(err.Error(), "; correct it in apps/base/guestbook/deployment.yaml:1 of source infra") {
		t.Errorf("got %v", err)
	}
}
