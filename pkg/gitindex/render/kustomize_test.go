package render_test

import (
	"strings"
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex"
)

const oneDeployment = "-- app/d.yaml --\n" + deployment

func TestFaultsInKustomizationsAreNamedWithTheirPlace(t *testing.T) {
	for name, test := range map[string]struct{ files, want string }{
		"a base that does not exist": {
			"-- app/kustomization.yaml --\nkind: Kustomization\nresources:\n- ../base\n",
			"app/kustomization.yaml:3: resource ../base does not exist (base): correct the path, or add it",
		},
		"a file that does not exist, three kustomizations down": {
			"-- app/kustomization.yaml --\nresources: [../b]\n-- b/kustomization.yaml --\ncomponents: [../c]\n" +
				"-- c/kustomization.yaml --\napiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [../d]\n" +
				"-- d/kustomization.yaml --\nresources:\n- x.yaml\n",
			"d/kustomization.yaml:2: resource x.yaml does not exist (d/x.yaml): correct the path, or add it",
		},
		"a patch file that does not exist": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\npatches:\n- path: p.yaml\n" + oneDeployment,
			"app/kustomization.yaml:3: patch p.yaml does not exist (app/p.yaml): correct the path, or add it",
		},
		"a folder for a patch": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\npatches:\n- path: ../b\n-- b/x --\n" + oneDeployment,
			"app/kustomization.yaml:3: patch ../b is a folder: name a file",
		},
		"data that does not exist": {
			"-- app/kustomization.yaml --\nconfigMapGenerator:\n- name: a\n  files:\n  - key=x.txt\n",
			"app/kustomization.yaml:4: file x.txt does not exist (app/x.txt): correct the path, or add it",
		},
		"a folder without a kustomization": {
			"-- app/kustomization.yaml --\nresources:\n- ../b\n-- b/d.yaml --\n" + deployment,
			"app/kustomization.yaml:2: resource ../b: b has no kustomization.yaml: add one, or name another folder",
		},
		"a kustomization file for its folder": {
			"-- app/kustomization.yaml --\nresources: [../b/kustomization.yaml]\n-- b/kustomization.yaml --\nnamePrefix: a\n",
			"app/kustomization.yaml:1: resource ../b/kustomization.yaml is a kustomization file: name its folder",
		},
		"an absolute path": {
			"-- app/kustomization.yaml --\nresources:\n- /etc/passwd\n",
			"app/kustomization.yaml:2: resource /etc/passwd: the path is absolute: write it relative to this file",
		},
		"a path out of the repository": {
			"-- app/kustomization.yaml --\nresources:\n- ../../x\n",
			"app/kustomization.yaml:2: resource ../../x: the path leads out of the repository",
		},
		"a field that Kustomize does not know": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\nnameprefx: a\n" + oneDeployment,
			"app/kustomization.yaml:2: Kustomize knows no field nameprefx",
		},
		"a number where text should be": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\nimages:\n- name: a\n  newTag: \"1\"\n- name: nginx\n  newTag: 1.5\n" + oneDeployment,
			"app/kustomization.yaml:6: images.newTag has to be text, not a number: put it in quotes",
		},
		"text where a list should be": {
			"-- app/kustomization.yaml --\nresources: d.yaml\n" + oneDeployment,
			"app/kustomization.yaml:1: resources has to be a list, not text",
		},
		"bad YAML in the kustomization": {
			"-- app/kustomization.yaml --\nnamePrefix: a\nresources: [d.yaml\n",
			"app/kustomization.yaml:2: invalid YAML: did not find expected ',' or ']'",
		},
		"bad YAML in the second document of a base's file": {
			"-- app/kustomization.yaml --\nresources: [../b]\n-- b/kustomization.yaml --\nresources: [d.yaml]\n-- b/d.yaml --\n" + deployment + "---\nkind: x\n\tfoo: bar\n",
			"b/d.yaml:13: invalid YAML: found a tab character that violates indentation",
		},
		"bad YAML in a patch": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\npatches: [{path: p.yaml}]\n-- app/p.yaml --\nkind: x\na: {\n" + oneDeployment,
			"app/p.yaml:2: invalid YAML: did not find expected node content",
		},
		"a key twice in a resource": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\n" + oneDeployment + "kind: Other\n",
			`app/d.yaml:11: invalid YAML: key "kind" stands here and on line 2`,
		},
		"a resource that is no object": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\n-- app/d.yaml --\njust some text\n",
			"app/d.yaml:1: this is no Kubernetes object: take it out of the resources",
		},
		"an object without a name": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\n-- app/d.yaml --\n---\napiVersion: v1\nkind: Pod\nmetadata: {generateName: a}\n",
			"app/d.yaml:2: the object has no metadata.name: give it one",
		},
		"an object without a kind": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\n-- app/d.yaml --\napiVersion: v1\nmetadata: {name: a}\n",
			"app/d.yaml:1: the object has no kind: give it one",
		},
		"an object twice": {
			"-- app/kustomization.yaml --\nresources: [d.yaml, e.yaml]\n-- app/e.yaml --\n" + deployment + oneDeployment,
			"app/e.yaml:1: Deployment web is declared here and in app/d.yaml:1: remove one of them",
		},
		"a base twice": {
			"-- app/kustomization.yaml --\nresources: [../b, ../c]\n-- b/kustomization.yaml --\nresources: [../d]\n-- c/kustomization.yaml --\nresources: [../d]\n-- d/kustomization.yaml --\nresources: [d.yaml]\n-- d/d.yaml --\n" + deployment,
			"c/kustomization.yaml: Deployment web comes out twice: take in its base once, or set different namePrefix or namespace",
		},
		"a patch of nothing": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\npatches: [{path: p.yaml}]\n-- app/p.yaml --\n---\n" + strings.Replace(deployment, "web", "wob", 1) + oneDeployment,
			"app/p.yaml:2: Deployment wob, which this patches, is none of the resources of app/kustomization.yaml, and of that kind there is web: correct its name, namespace or apiVersion",
		},
		"an inline patch of nothing": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\npatches:\n- patch: |\n    apiVersion: v1\n    kind: Service\n    metadata: {name: web, namespace: far}\n" + oneDeployment,
			"app/kustomization.yaml:4: Service far/web, which this patches, is none of the resources of app/kustomization.yaml, and of that kind none is there: correct its name, namespace or apiVersion",
		},
		"a JSON patch without a target": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\npatches:\n- path: p.yaml\n-- app/p.yaml --\n- {op: add, path: /spec/x, value: 1}\n" + oneDeployment,
			"app/kustomization.yaml:3: patch p.yaml is a list of JSON patch operations, and has no target: add one",
		},
		"an inline JSON patch without a target": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\npatches:\n- patch: |\n    - {op: add, path: /spec/x, value: 1}\n" + oneDeployment,
			"app/kustomization.yaml:3: the patch is a list of JSON patch operations, and has no target: add one",
		},
		"a JSON patch of a field that is not there": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\npatches:\n- target: {kind: Deployment}\n  patch: |\n    - {op: add, path: /spec/x, value: 1}\n    - {op: replace, path: /spec/y/z, value: 1}\n" + oneDeployment,
			"app/kustomization.yaml:6: the operation can't be done: an object that the patch selects has no /spec/y/z",
		},
		"a patch that is neither": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\npatches: [{path: p.yaml}]\n-- app/p.yaml --\nspec: {replicas: 1}\n" + oneDeployment,
			"app/p.yaml: the patch is neither an object with apiVersion, kind and metadata.name nor a list of JSON patch operations",
		},
		"a patch with nothing in it": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\npatches:\n- target: {kind: Deployment}\n" + oneDeployment,
			"app/kustomization.yaml:2: a patch has neither path nor patch: give it one of them",
		},
		"several objects in a patch with a target": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\npatches:\n- path: d.yaml\n- path: p.yaml\n  target: {kind: Deployment}\n-- app/p.yaml --\n" + deployment + "---\n" + deployment + oneDeployment,
			"app/kustomization.yaml:4: the patch has several objects, and a target: split it, or leave out the target",
		},
		"replicas of nothing": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\nreplicas: [{name: wob, count: 3}]\n" + oneDeployment,
			"app/kustomization.yaml:2: replicas names wob, but no Deployment, StatefulSet, ReplicaSet or ReplicationController has that name",
		},
		"an image that is a bad pattern": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\nimages: [{name: \"(\", newTag: x}]\n" + oneDeployment,
			"app/kustomization.yaml:2: the image ( is no name of one, nor a pattern: correct it",
		},
		"a replacement from nothing": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\nreplacements:\n- source: {kind: Service, name: web}\n  targets: [{select: {kind: Deployment}, fieldPaths: [spec.x]}]\n" + oneDeployment,
			"app/kustomization.yaml:2: replacements takes a value from Service web, which is none of the resources",
		},
		"a replacement into nothing": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\nreplacements:\n- source: {kind: Deployment, name: web}\n  targets:\n  - select: {kind: Deployment}\n    fieldPaths: [spec.x]\n" + oneDeployment,
			"app/kustomization.yaml:6: replacements sets spec.x, but the object has no such field: add it, or the option create",
		},
		"a ConfigMap to merge that nobody makes": {
			"-- app/kustomization.yaml --\nconfigMapGenerator:\n- behavior: merge\n  name: settings\n  literals: [a=b]\n",
			"app/kustomization.yaml:3: ConfigMap settings can't be merged or replaced: nothing that is taken in makes one",
		},
		"a ConfigMap that is there already": {
			"-- app/kustomization.yaml --\nresources: [../b]\nconfigMapGenerator:\n- name: settings\n  literals: [a=b]\n-- b/kustomization.yaml --\nconfigMapGenerator:\n- name: settings\n  literals: [a=c]\n",
			"app/kustomization.yaml:3: ConfigMap settings exists already: give it another name, or behavior merge or replace",
		},
		"a namespace that two objects share a name in": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\nnamespace: x\n-- app/d.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: p}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: q}\n",
			"app/kustomization.yaml:2: namespace puts two objects into one place: ConfigMap a",
		},
		"a var of nothing": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\nvars:\n- name: HOST\n  objref: {kind: Service, name: x, apiVersion: v1}\n" + oneDeployment,
			"app/kustomization.yaml:3: the var HOST takes its value from an object that is none of the resources",
		},
		"a configuration with an unknown field": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\nconfigurations: [c.yaml]\n-- app/c.yaml --\nimages: []\nnonsense: 1\n" + oneDeployment,
			"app/c.yaml:2: Kustomize knows no field nonsense in a configuration",
		},
		"a message that Kustomize panics at when it is read": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\nreplacements: [{source: {kind: a & b, name: c}, targets: [{select: {kind: Deployment}, fieldPaths: [x]}]}]\n-- app/d.yaml --\n" + deployment,
			"app/kustomization.yaml: it can't be built: Kustomize breaks on something in it, or below it, that is of an unexpected form",
		},
		"a schema that is none, at which Kustomize panics": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\nopenapi: {path: s.json}\npatches: [{path: d.yaml}]\n-- app/s.json --\n{\"definitions\": 3}\n" + oneDeployment,
			"app/kustomization.yaml:2: the file that openapi names is no OpenAPI document of definitions",
		},
		"a map with keys that are no text": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\n-- app/d.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {nested: {1: one}}\n",
			"app/kustomization.yaml: a map in an object has keys that are no text: put keys such as 1, n, on or yes in quotes",
		},
		"itself": {
			"-- app/kustomization.yaml --\nnamePrefix: a\nresources:\n- .\n",
			"app/kustomization.yaml:3: resource . takes in app, which this kustomization is a part of: take one of the two out",
		},
		"a circle": {
			"-- app/kustomization.yaml --\nresources: [../b]\n-- b/kustomization.yaml --\nresources: [../app]\n",
			"b/kustomization.yaml:1: resource ../app takes in app, which this kustomization is a part of: take one of the two out",
		},
		"the folder that it is in": {
			"-- kustomization.yaml --\nnamePrefix: a\n-- app/kustomization.yaml --\nresources: [..]\n",
			"app/kustomization.yaml:1: resource .. takes in app, which this kustomization is a part of: take one of the two out",
		},
		"nothing at all": {
			"-- app/kustomization.yaml --\n# later\n",
			"app/kustomization.yaml: the file says nothing: name resources in it, or delete it",
		},
		"two kustomization files": {
			"-- app/kustomization.yaml --\nnamePrefix: a\n-- app/kustomization.yml --\nnamePrefix: a\n",
			"app/kustomization.yml: the folder also has kustomization.yaml: keep one of them",
		},
		"another kind": {
			"-- app/kustomization.yaml --\nkind: Kustomisation\nresources: [d.yaml]\n" + oneDeployment,
			"app/kustomization.yaml:1: the kind is Kustomisation: it has to be Kustomization or Component",
		},
		"another version": {
			"-- app/kustomization.yaml --\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nresources: [d.yaml]\n" + oneDeployment,
			"app/kustomization.yaml:1: the apiVersion of a Kustomization is kustomize.toolkit.fluxcd.io/v1: it has to be kustomize.config.k8s.io/v1beta1",
		},
		"a component among the resources": {
			"-- app/kustomization.yaml --\nresources: [../c]\n-- c/kustomization.yaml --\nkind: Component\nnamePrefix: a-\n",
			"app/kustomization.yaml:1: ../c is a Component: name it under components",
		},
		"a base among the components": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\ncomponents: [../c]\n-- c/kustomization.yaml --\nnamePrefix: a-\n" + oneDeployment,
			"app/kustomization.yaml:2: ../c is no Component: name it under resources",
		},
		"a file among the components": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\ncomponents: [d.yaml]\n" + oneDeployment,
			"app/kustomization.yaml:1: component d.yaml is a file: name the folder of a kustomization",
		},
		"aliases that multiply in a resource": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\n-- app/d.yaml --\n" + bomb,
			"app/d.yaml:6: invalid YAML: its aliases stand for more than 8 MiB; write them out",
		},
		"aliases that multiply in a patch": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\npatches: [{path: p.yaml}]\n-- app/p.yaml --\n" + bomb + oneDeployment,
			"app/p.yaml:6: invalid YAML: its aliases stand for more than 8 MiB; write them out",
		},
		"aliases that multiply in an inline patch": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\npatches:\n- patch: |\n    " + strings.ReplaceAll(strings.TrimSpace(bomb), "\n", "\n    ") + "\n" + oneDeployment,
			"app/kustomization.yaml:3: invalid YAML: its aliases stand for more than 8 MiB; write them out",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := mustFail(t, tree(test.files), gitindex.Location{Path: "app"}); got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

const bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"

func TestNoMessageHasASecretInIt(t *testing.T) {
	const secret = "correct-horse-battery"
	for name, test := range map[string]struct{ files, want string }{
		"a literal without a key": {
			"-- app/kustomization.yaml --\nsecretGenerator:\n- name: a\n  literals:\n  - " + secret + "\n",
			"app/kustomization.yaml:4: the literal is not of the form key=value",
		},
		"a line of an env file": {
			"-- app/kustomization.yaml --\nsecretGenerator:\n- name: a\n  envs: [x.env]\n-- app/x.env --\n1=" + secret + "\n1=" + secret + "\n",
			"app/kustomization.yaml:2: the generator of a makes the key 1 twice",
		},
		"a line of an env file that is no text": {
			"-- app/kustomization.yaml --\nsecretGenerator:\n- name: a\n  envs: [x.env]\n-- app/x.env --\na=b\nkey=" + secret + "\xff\n",
			"app/x.env:2: the line is no UTF-8 text",
		},
		"objects that Kustomize dumps": {
			"-- app/kustomization.yaml --\nnamespace: x\nresources: [d.yaml]\n-- app/d.yaml --\napiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: p}\nstringData: {p: " + secret + "}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: q}\n",
			"app/kustomization.yaml:1: namespace puts two objects into one place: Secret a",
		},
		"a value to replace with": {
			"-- app/kustomization.yaml --\nresources: [d.yaml]\nreplacements:\n- source: {kind: Secret, name: a, fieldPath: stringData.p, options: {delimiter: \":\", index: 4}}\n  targets: [{select: {kind: Secret}, fieldPaths: [stringData.q]}]\n-- app/d.yaml --\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {p: " + secret + ", q: x}\n",
			"app/kustomization.yaml: Kustomize can't build it: options.index 4 is out of bounds for value …",
		},
		"a password in a URL": {
			"-- app/kustomization.yaml --\nresources: ['https://me:" + secret + "@example.com/org/repo']\n",
			"app/kustomization.yaml:1: remote base https://example.com/org/repo is not fetched: copy it into this repository, or name it as a source of its own",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := mustFail(t, tree(test.files), gitindex.Location{Path: "app"})
			if got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
			if strings.Contains(got, "horse") {
				t.Errorf("the secret is in %s", got)
			}
		})
	}
}
