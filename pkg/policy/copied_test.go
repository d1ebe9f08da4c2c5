package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/policy"
)

func TestAControllerMayCopyTheAnnotationToWhatItMakes(t *testing.T) {
	const (
		own      = `{metadata: {name: settings, labels: {app: guestbook}}}`
		lockdown = "{mode: Enforce, undeclaredObjects: {serviceAccounts: Deny}}"
		nothing  = "gitonly: the annotation gitonly.dev/break-glass of ConfigMap staging/settings permits nothing: "
		lacking  = nothing + "it takes the verb break-glass on deployments.apps, which system:serviceaccount:ci:robot hasn't got. Ask somebody who has it."
		unneeded = "gitonly: Git doesn't declare ConfigMap staging/settings, and nobody has to break the glass for it: no emergency is recorded."
	)
	cant := func(what string) string {
		return "gitonly: the glass can't be broken for " + what + strings.TrimPrefix(lacking, strings.TrimSuffix(nothing, ": "))
	}
	undeclared := of("", "v1", "ConfigMap", "staging", "settings")
	copied, again := annotated(own, because(why)...), annotated(own, because(why+" again")...)
	for _, test := range []struct {
		name     string
		spec     string
		user     policy.User
		kind     func(*policy.Request)
		old, new string
		known    *policy.BreakGlass
		reason   policy.Reason
		message  string
	}{
		{"when that is made", enforce, robot, undeclared, "", copied, glass(false, nil), policy.UndeclaredObjectChanged, lacking},
		{"when that is updated", enforce, robot, undeclared, own, copied, glass(false, nil), policy.UndeclaredObjectChanged, lacking},
		{"with other words than before", enforce, robot, undeclared, copied, again, glass(false, nil), policy.UndeclaredObjectChanged, lacking},
		{"and with the right it opens nothing, as there is nothing to open", enforce, robot, undeclared, "", copied, glass(true, nil), policy.UndeclaredObjectChanged, unneeded},
		{"but it makes no more than others", lockdown, robot, undeclared, "", copied, glass(false, nil), policy.UndeclaredObjectChanged, "gitonly: ConfigMap staging/settings is not declared in Git, and GuardPolicy test allows no other objects here.\nDeclare it in Git."},
		{"but not to what has an emergency", enforce, robot, undeclared, copied, again, glass(false, open()), policy.BreakGlassRefused, cant("ConfigMap staging/settings")},
		{"nor to what Git declares", enforce, robot, func(*policy.Request) {}, guestbook, annotated(guestbook, because(why)...), glass(false, nil), policy.BreakGlassRefused, cant("Deployment staging/guestbook")},
		{"nor to a Namespace", enforce, robot, of("", "v1", "Namespace", "", "team"), own, copied, glass(false, nil), policy.BreakGlassRefused, cant("everything in Namespace team")},
		{"and a person may not", enforce, person, undeclared, "", copied, glass(false, nil), policy.BreakGlassRefused, strings.Replace(cant("ConfigMap staging/settings"), robot.Name, person.Name, 1)},
	} {
		t.Run(test.name, func(t *testing.T) {
			operation := policy.Update
			if test.old == "" {
				operation = policy.Create
			}
			r := request(t, test.user, operation, test.old, test.new, test.kind, with(test.known))
			v := policy.Decide(r, snapshot(t, guestbook), build(t, guard(t, "test", test.spec)))
			if refused := v.Outcome == policy.Deny; v.Reason != test.reason || refused != (test.reason == policy.BreakGlassRefused || test.spec == lockdown) {
				t.Errorf("%s for %s", v.Outcome, v.Reason)
			}
			if use := v.Emergency != nil; use != (v.Reason != policy.UndeclaredObjectChanged) {
				t.Errorf("it has to do with an emergency: %t", use)
			}
			if diff := cmp.Diff(test.message, v.Message); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}
