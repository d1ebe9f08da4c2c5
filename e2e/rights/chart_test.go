package rights_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/charts"
)

const chart = "../../charts/gitonly"

// right is what a role of the chart lets gitonly do with one resource.
type right struct {
	role     string // by its name in the release gitonly; in gitonly-system unless it is a ClusterRole's
	group    string
	resource string // or the path of what is none
	name     string // of the one object that it is for; empty for all
	verbs    string // one, or "list watch", which nobody needs alone
}

func (r right) String() string {
	text := r.resource
	if r.group != "" {
		text += "." + r.group
	}
	if r.name != "" {
		text += "/" + r.name
	}
	return r.role + ": " + r.verbs + " " + text
}

// verb is the one that is tried first.
func (r right) verb() string {
	verb, _, _ := strings.Cut(r.verbs, " ")
	return verb
}

// rule gives the right.
func (r right) rule() rbacv1.PolicyRule {
	rule := rbacv1.PolicyRule{APIGroups: []string{r.group}, Resources: []string{r.resource}, Verbs: strings.Fields(r.verbs)}
	if r.name != "" {
		rule.ResourceNames = []string{r.name}
	}
	return rule
}

// rightsOf are those that rules of a role give.
func rightsOf(role string, rules []rbacv1.PolicyRule) []right {
	var all []right
	for _, rule := range rules {
		verbs := slices.Clone(rule.Verbs)
		if slices.Contains(verbs, "list") && slices.Contains(verbs, "watch") {
			verbs = append(slices.DeleteFunc(verbs, func(verb string) bool { return verb == "list" || verb == "watch" }), "list watch")
		}
		for _, verb := range verbs {
			for _, path := range rule.NonResourceURLs {
				all = append(all, right{role: role, resource: path, verbs: verb})
			}
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					if len(rule.ResourceNames) == 0 {
						all = append(all, right{role, group, resource, "", verb})
					}
					for _, name := range rule.ResourceNames {
						all = append(all, right{role, group, resource, name, verb})
					}
				}
			}
		}
	}
	return all
}

// object is what is of interest in one that the chart makes.
type object struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Rules    []rbacv1.PolicyRule
	RoleRef  rbacv1.RoleRef
}

// role names the object as a right does.
func (o *object) role() string { return strings.TrimSpace(o.Kind + " " + o.Metadata.Name) }

// everything turns on all that takes rights.
func everything() map[string]any {
	return map[string]any{
		"certificates":  map[string]any{"provider": "SelfManaged"},
		"policyReports": map[string]any{"enabled": true},
		"argoCD":        map[string]any{"enabled": true},
		"flux":          map[string]any{"enabled": true, "readNamespaces": []any{"team"}},
		"push":          map[string]any{"secretName": "push"},
	}
}

// manifests are the chart's accounts and roles, as a release of these values.
func manifests(t *testing.T, release charts.Release, values map[string]any) string {
	t.Helper()
	files, err := charts.Render(chart, values, release)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range []string{"rbac", "agents"} {
		fmt.Fprintf(&all, "---\n%s\n", files["templates/"+name+".yaml"])
	}
	return all.String()
}

// objects are those in manifests.
func objects(t *testing.T, manifests string) []object {
	t.Helper()
	var all []object
	for document := range strings.SplitSeq(manifests, "\n---\n") {
		var o object
		if err := yaml.Unmarshal([]byte(document), &o); err != nil {
			t.Fatal(err)
		}
		if o.Kind != "" {
			all = append(all, o)
		}
	}
	return all
}

// TestEachRightHasARow keeps rights out of the chart of which nobody has said, and
// seen, what fails without them.
func TestEachRightHasARow(t *testing.T) {
	tried := map[right]bool{}
	for _, row := range rows() {
		if tried[row.right] {
			t.Errorf("%s: two rows take it away", row.right)
		}
		tried[row.right] = true
	}
	has := map[right]bool{}
	bound := map[string]bool{}
	for _, o := range objects(t, manifests(t, charts.Release{}, everything())) {
		for _, r := range rightsOf(o.role(), o.Rules) {
			if has[r] {
				t.Errorf("%s: the chart gives it twice", r)
			}
			has[r] = true
		}
		if o.RoleRef.Name != "" {
			bound[fmt.Sprintf("%s %s by %s in %q", o.RoleRef.Kind, o.RoleRef.Name, o.Kind, o.Metadata.Namespace)] = true
		}
	}
	has[view] = true // bound below
	for r := range has {
		if !tried[r] {
			t.Errorf("%s: the chart gives it, and no row says what it is for", r)
		}
	}
	for r := range tried {
		if !has[r] {
			t.Errorf("%s: the chart doesn't give it", r)
		}
	}
	for _, want := range []string{
		`ClusterRole gitonly by ClusterRoleBinding in ""`, `Role gitonly by RoleBinding in "gitonly-system"`, `ClusterRole view by ClusterRoleBinding in ""`,
		`ClusterRole gitonly-agent by RoleBinding in "argocd"`, `ClusterRole gitonly-agent by RoleBinding in "flux-system"`, `ClusterRole gitonly-agent by RoleBinding in "team"`,
	} {
		if !bound[want] {
			t.Errorf("%s: the chart doesn't bind it", want)
		}
		delete(bound, want)
	}
	for other := range bound {
		t.Errorf("%s: the chart binds it, and nobody says what for", other)
	}
}

// TestNoValueGivesMoreRights shows that what the rows are of is all there is.
func TestNoValueGivesMoreRights(t *testing.T) {
	all := map[right]bool{}
	for _, o := range objects(t, manifests(t, charts.Release{}, everything())) {
		for _, r := range rightsOf(o.role(), o.Rules) {
			all[r] = true
		}
	}
	const authority = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
	for provider, certificates := range map[string]map[string]any{
		"CertManager": {"provider": "CertManager"},
		"Existing":    {"provider": "Existing", "existing": map[string]any{"secretName": "gitonly-tls", "caBundle": authority}},
	} {
		values := everything()
		values["certificates"] = certificates
		for _, o := range objects(t, manifests(t, charts.Release{}, values)) {
			for _, r := range rightsOf(o.role(), o.Rules) {
				if !all[r] {
					t.Errorf("certificates of %s: %s", provider, r)
				}
			}
		}
	}
}
