package policy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

func TestAdvice(t *testing.T) {
	types, err := builtin.Types()
	if err != nil {
		t.Fatal(err)
	}
	const agents = `agents: {subjects: [{kind: User, name: flux}]}`
	for name, test := range map[string]struct {
		spec string
		want []string
	}{
		"nobody brings Git's changes":                        {`{mode: Enforce}`, []string{"GuardPolicy test: nobody can bring Git's changes: spec.agents.subjects is empty, and no GitSource has found Argo CD or Flux"}},
		"a policy that is off":                               {spec: `{mode: "Off"}`},
		"an agent among system actors":                       {spec: `{systemActors: {users: [flux]}}`},
		"kinds of Kubernetes":                                {spec: `{match: {resources: [{apiGroups: [apps, ""], kinds: [Deployment, Secret]}]}, ` + agents + `}`},
		"a custom kind":                                      {spec: `{match: {resources: [{apiGroups: [example.com], kinds: [Widget]}]}, ` + agents + `}`},
		"a kind of any group":                                {spec: `{match: {resources: [{kinds: [Widget]}]}, ` + agents + `}`},
		"a misspelt kind":                                    {`{match: {resources: [{apiGroups: [apps, ""], kinds: [Deploymnt]}]}, ` + agents + `}`, []string{"GuardPolicy test: spec.match.resources[0]: there is no kind Deploymnt in apps, the core group"}},
		"a misspelt kind in ignored fields":                  {`{ignoreFields: [{apiGroups: [apps], kinds: [Deploymnt], paths: [spec.replicas]}], ` + agents + `}`, []string{"GuardPolicy test: spec.ignoreFields[0]: there is no kind Deploymnt in apps"}},
		"a misspelt group":                                   {`{match: {resources: [{apiGroups: [app], kinds: [Deployment]}]}, ` + agents + `}`, []string{"GuardPolicy test: spec.match.resources[0]: there is no API group app"}},
		"everybody as agent":                                 {`{agents: {subjects: [{kind: Group, name: flux}, {kind: Group, name: "system:authenticated"}]}}`, []string{"GuardPolicy test: spec.agents.subjects[1]: group system:authenticated is everybody, and nothing that they do is refused"}},
		"administrators as Kubernetes itself":                {`{systemActors: {groups: ["system:nodes", "system:masters"]}, ` + agents + `}`, []string{"GuardPolicy test: spec.systemActors.groups[1]: group system:masters is every administrator, and nothing that they do is refused"}},
		"a misspelt field":                                   {`{ignoreFields: [{kinds: [Deployment], paths: [spec.replicas, spec.replica]}], ` + agents + `}`, []string{"GuardPolicy test: spec.ignoreFields[0].paths[1]: Deployment has no field spec.replica"}},
		"a list without a selector":                          {`{ignoreFields: [{kinds: [Deployment], paths: [spec.template.spec.containers.image]}], ` + agents + `}`, []string{"GuardPolicy test: spec.ignoreFields[0].paths[0]: Deployment has no field spec.template.spec.containers.image"}},
		"something below a number":                           {`{ignoreFields: [{kinds: [Deployment], paths: [spec.replicas.one]}], ` + agents + `}`, []string{"GuardPolicy test: spec.ignoreFields[0].paths[0]: Deployment has no field spec.replicas.one"}},
		"a field that one of the kinds has":                  {spec: `{ignoreFields: [{kinds: [ConfigMap, Deployment], paths: [spec.replicas]}], ` + agents + `}`},
		"a field that a custom kind may have":                {spec: `{ignoreFields: [{kinds: [Deployment, Widget], paths: [spec.replica]}], ` + agents + `}`},
		"a field of an older version":                        {spec: `{ignoreFields: [{kinds: [HorizontalPodAutoscaler], paths: [spec.targetCPUUtilizationPercentage]}], ` + agents + `}`},
		"keys, selectors and what is below a quantity's map": {spec: `{ignoreFields: [{kinds: [Deployment], paths: ["metadata.annotations[a.b/c]", "spec.template.spec.containers[name=web].resources.limits.cpu", "spec.template.spec.containers[*].env"]}, {kinds: [MutatingWebhookConfiguration], paths: ["webhooks[*].clientConfig.caBundle"]}, {kinds: [ConfigMap], paths: [data.a]}], ` + agents + `}`},
	} {
		t.Run(name, func(t *testing.T) {
			var p v1alpha1.GuardPolicy
			p.Name = "test"
			if err := yaml.UnmarshalStrict([]byte(test.spec), &p.Spec); err != nil {
				t.Fatal(err)
			}
			p.SetDefaults()
			if diff := cmp.Diff(test.want, policy.Advice([]v1alpha1.GuardPolicy{p}, types)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
