package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func TestAValueThatItsFieldCantHoldIsAnError(t *testing.T) {
	const kustomization = "-- app/kustomization.yaml --\nresources: [web.yaml]\npatches:\n- path: patch.yaml\n-- app/web.yaml --\n" + deployment
	for name, test := range map[string]struct{ files, want string }{
		"text for a number, in a patch": {
			kustomization + "-- app/patch.yaml --\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: \"1\"\n",
			"app/patch.yaml:5: Deployment default/web: spec.replicas has to be a whole number, and is text: take the quotes away",
		},
		"a number for text": {
			"-- app/a.yaml --\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a.b: 1}\n",
			"app/a.yaml:2: ConfigMap default/a: data[a.b] has to be text, and is a number: put it in quotes",
		},
		"a label that is true": {
			"-- app/a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {b: true}}\n",
			"app/a.yaml:1: ConfigMap default/a: metadata.labels.b has to be text, and is true or false: put it in quotes",
		},
		"a Secret's value that is in clear": {
			"-- app/a.yaml --\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {password: in clear}\n",
			"app/a.yaml:1: Secret default/a: data.password has to be text in base64",
		},
		"a quantity that is none": {
			"-- app/a.yaml --\n" + deployment + "        resources: {limits: {cpu: lots}}\n",
			"app/a.yaml:1: Deployment default/web: spec.template.spec.containers[name=web].resources.limits.cpu has to be a quantity, such as 500m or 1Gi",
		},
		"a port that is too large for its type": {
			"-- app/a.yaml --\n" + deployment + "        ports: [{containerPort: 3000000000}]\n",
			"app/a.yaml:1: Deployment default/web: spec.template.spec.containers[name=web].ports[containerPort=3000000000].containerPort has to be a whole number",
		},
		"a map for a list": {
			"-- app/a.yaml --\n" + deployment + "        env: {A: b}\n",
			"app/a.yaml:1: Deployment default/web: spec.template.spec.containers[name=web].env has to be a list, and is a map",
		},
		"a template that nobody rendered": {
			"-- app/a.yaml --\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: ${replicas}\n",
			"app/a.yaml:1: Deployment default/web: spec.replicas has to be a whole number, and is text: a template has to be rendered first",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := mustFail(t, tree(test.files), gitindex.Location{Path: "app"}); got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestFieldsThatAKindDoesntHaveAreKnown(t *testing.T) {
	for name, test := range map[string]struct {
		object string
		want   []string
	}{
		"none": {object: deployment},
		"a misspelt one, and one in a list": {
			"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replica: 3\n  template: {spec: {containers: [{name: web, imagee: a}]}}\n",
			[]string{"spec.replica", "spec.template.spec.containers[name=web].imagee"},
		},
		"another case is another field": {
			"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {Replicas: x}\n", []string{"spec.Replicas"},
		},
		"null says nothing":                         {object: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, nothing: null}\n"},
		"a version without a type is not looked at": {object: "apiVersion: apps/v9\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: x}\n"},
		"a custom kind is not looked at":            {object: "apiVersion: example.com/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replica: x}\n"},
		"what SOPS encrypted fits anywhere": {
			"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: \"ENC[AES256_GCM,data:eA==,type:int]\", replica: 1}\nsops: {mac: x}\n",
			[]string{"spec.replica"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			declared, err := renderTree(tree("-- app/a.yaml --\n"+test.object), gitindex.Location{Path: "app"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, declared[0].Dropped); diff != "" {
				t.Error(diff)
			}
		})
	}
}
