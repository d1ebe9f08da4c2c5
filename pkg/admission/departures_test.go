package admission_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// account is what was taken note of.
type account struct{ notes []string }

func (a *account) Departed(d admission.Departure) {
	a.notes = append(a.notes, fmt.Sprintf("%s %s %q departs by %s of %s: %s", d.APIVersion, d.Key, d.UID, d.Reason, d.Policy, d.Message))
}

func (a *account) Returned(key gitindex.Key) { a.notes = append(a.notes, key.String()+" returns") }

func TestAccountIsKeptOfWhatAuditModeLets(t *testing.T) {
	const audit = "{mode: Audit, agents: {subjects: [{kind: User, name: robot}]}}"
	edit := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(scaleUp) }
	departs := `apps/v1 Deployment staging/web "" departs by DeclaredFieldChanged of test: Would be refused, but for Audit mode: UPDATE by ann, in spec.replicas. Declared in apps at main@4f2c1ab.`
	returns := "Deployment staging/web returns"
	for _, test := range []struct{ name, spec, request, want string }{
		{"a departure", audit, scaleUp, departs},
		{"none where it is refused", "mode: Enforce", scaleUp, ""},
		{"none by a dry run", audit, scaleUp + "dryRun: true\n", ""},
		{"none where nothing changes", audit, edit("replicas: 5", "replicas: 1"), ""},
		{"the agent writes", audit, edit("username: ann", "username: robot"), returns},
		{"the agent writes the status", audit, edit("username: ann", "username: robot") + "subResource: status\n", ""},
		{"somebody brings Git's value back", audit, edit("oldObject: {spec: {replicas: 1}}", "oldObject: {spec: {replicas: 5}}", "\nobject: {spec: {replicas: 5}}", "\nobject: {spec: {replicas: 1}}"), returns},
		{"what Git doesn't have is deleted", audit, edit("name: web", "name: mine", "UPDATE", "DELETE", "\nobject: {spec: {replicas: 5}}", ""), "Deployment staging/mine returns"},
		{"gitonly writes", audit, edit("username: ann", "username: gitonly"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, a := newFixture(t, test.spec), &account{}
			f.policies.SetSelf("gitonly")
			f.handler.Departures = a
			f.ask(t, test.request)
			if diff := cmp.Diff(test.want, strings.Join(a.notes, "\n")); diff != "" {
				t.Errorf("noted (-want +got):\n%s", diff)
			}
		})
	}
}
