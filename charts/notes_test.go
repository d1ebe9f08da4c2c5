package charts_test

import (
	"strings"
	"testing"

	"gitonly.dev/gitonly/charts"
)

func TestNotesSayWhatToDo(t *testing.T) {
	const (
		head = `gitonly 0.1.0 is in namespace gitonly-system.

  kubectl -n gitonly-system rollout status deployment/gitonly
  kubectl get gitsources,guardpolicies
  helm test gitonly -n gitonly-system
`
		audit = `
GuardPolicy gitonly is in mode Audit.
`
		ignore = `
While gitonly doesn't answer, everything is let through. Should it be what is broken:

  kubectl delete validatingwebhookconfiguration gitonly
`
		fail = `
While gitonly doesn't answer, nothing can be written. Should it be what is broken:

  kubectl delete validatingwebhookconfiguration gitonly
`
	)
	for _, test := range []struct {
		name    string
		set     values
		release charts.Release
		want    string
	}{
		{name: "a GitSource is needed on installing", want: head + audit + `
Neither Argo CD nor Flux was found, so no GitSource was made: nothing is declared until you make one, and say in the
GuardPolicy's spec.agents who brings Git's changes. docs/install.md shows how ("First report").
` + ignore},
		{name: "an agent brings its own", set: values{"argoCD": values{"enabled": true}}, want: head + audit + ignore},
		{name: "an upgrade doesn't ask for one", release: charts.Release{Upgrade: true}, want: head + audit + ignore},
		{name: "Enforce can't be taken back", set: values{"mode": "Enforce"}, release: charts.Release{Upgrade: true}, want: head + `
GuardPolicy gitonly is in mode Enforce. Once Git has been loaded it changes through Git only, so that an
upgrade that changes the mode, be it back to Audit, is refused. Have Git declare it, and set guardPolicy.create=false.
` + ignore},
		{name: "Enforce is for the chart's GuardPolicy", set: values{"mode": "Enforce", "guardPolicy": values{"create": false}},
			release: charts.Release{Upgrade: true}, want: head + `
WARNING: mode=Enforce does nothing with guardPolicy.create=false: set spec.mode of the GuardPolicy in Git.
` + ignore},
		{name: "one webhook alone doesn't answer now and then", set: values{"replicas": 1, "webhook": values{"failurePolicy": "Fail"}},
			release: charts.Release{Upgrade: true}, want: head + audit + `
WARNING: webhook.failurePolicy=Fail with one replica: nothing can be written whenever its Pod restarts or moves.
` + fail},
		{name: "reports need their kind", set: values{"policyReports": values{"enabled": true}},
			release: charts.Release{Upgrade: true}, want: head + audit + `
WARNING: the cluster has no PolicyReports (wgpolicyk8s.io/v1alpha2), so none are written. Install their
CustomResourceDefinitions, and then:

  kubectl -n gitonly-system rollout restart deployment/gitonly
` + ignore},
		{name: "the cluster has the kind of reports", set: values{"policyReports": values{"enabled": true}},
			release: charts.Release{Upgrade: true, APIVersions: []string{"wgpolicyk8s.io/v1alpha2/PolicyReport"}}, want: head + audit + ignore},
	} {
		t.Run(test.name, func(t *testing.T) {
			files, err := charts.Render("gitonly", test.set, test.release)
			if err != nil {
				t.Fatal(err)
			}
			if got := files["templates/NOTES.txt"]; strings.TrimRight(got, "\n") != strings.TrimRight(test.want, "\n") {
				t.Errorf("the notes are\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}
