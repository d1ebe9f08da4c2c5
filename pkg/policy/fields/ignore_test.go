package fields_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

var (
	definition = kschema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}
	mutator    = kschema.GroupVersionKind{Group: "admissionregistration.k8s.io", Version: "v1", Kind: "MutatingWebhookConfiguration"}
)

// ignoring is one comparison, and what is ignored in it.
type ignoring struct {
	name     string
	kind     kschema.GroupVersionKind // deployment if empty
	git      string
	old, new string
	update   fields.Update // the rest of it
	want     []string
	any      bool // Change.Any
	counted  bool // Change.Ignored
}

func (c ignoring) run(t *testing.T) {
	t.Helper()
	u := c.update
	if u.Type = c.kind; u.Type.Kind == "" {
		u.Type = deployment
	}
	u.Declared, u.Old, u.New = gitindex.NewManifest(toJSON(t, c.git)), toJSON(t, c.old), toJSON(t, c.new)
	change, err := builtinTypes(t).Compare(u)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range change.Differences {
		got = append(got, describe(d))
	}
	if diff := cmp.Diff(c.want, got); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	if change.Any != c.any || change.Ignored != c.counted {
		t.Errorf("Change.Any is %t, Change.Ignored is %t", change.Any, change.Ignored)
	}
}

const (
	twoContainers = `{metadata: {labels: {app: web}}, spec: {replicas: 1, template: {spec: {containers: [{name: web, image: a, args: [p, q]}, {name: log, image: b}]}}}}`
	webImage      = `declared spec.template.spec.containers[name=web].image: git "a", old "a", new "c"`
)

// changing is twoContainers with text replaced.
func changing(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(twoContainers) }

func TestFieldsIgnoredByPointer(t *testing.T) {
	labels := func(labels string) string { return `{metadata: {name: w, labels: {` + labels + `}}}` }
	for _, test := range []struct {
		ignoring
		pointer string
	}{
		{ignoring{name: "a field", git: twoContainers, old: twoContainers, new: changing("replicas: 1", "replicas: 5"), counted: true}, "/spec/replicas"},
		{ignoring{name: "a field and another change", git: twoContainers, old: twoContainers, new: changing("replicas: 1", "replicas: 5", "image: a", "image: c"), any: true, want: []string{webImage}}, "/spec/replicas"},
		{ignoring{name: "a field that isn't there", git: twoContainers, old: twoContainers, new: changing("image: a", "image: c"), any: true, want: []string{webImage}}, "/spec/strategy/type"},
		{ignoring{name: "the first item of a list", git: twoContainers, old: twoContainers, new: changing("image: a", "image: c"), counted: true}, "/spec/template/spec/containers/0/image"},
		{ignoring{name: "the second item of a list", git: twoContainers, old: twoContainers, new: changing("image: a", "image: c"), any: true, want: []string{webImage}}, "/spec/template/spec/containers/1/image"},
		{ignoring{name: "an item behind the end", git: twoContainers, old: twoContainers, new: changing("image: a", "image: c"), any: true, want: []string{webImage}}, "/spec/template/spec/containers/2"},
		{ignoring{name: "- is no item", git: twoContainers, old: twoContainers, new: changing("image: a", "image: c"), any: true, want: []string{webImage}}, "/spec/template/spec/containers/-/image"},
		{ignoring{name: "00 is no item", git: twoContainers, old: twoContainers, new: changing("image: a", "image: c"), any: true, want: []string{webImage}}, "/spec/template/spec/containers/00/image"},
		{ignoring{name: "below a scalar there is nothing", git: twoContainers, old: twoContainers, new: changing("replicas: 1", "replicas: 5"), any: true, want: []string{"declared spec.replicas: git 1, old 1, new 5"}}, "/spec/replicas/x"},
		{ignoring{name: "a name with a slash", git: `{}`, old: `{metadata: {name: w}}`, new: labels("example.com/build: '7'"), counted: true}, "/metadata/labels/example.com~1build"},
		{ignoring{name: "a name with a tilde", git: `{}`, old: `{metadata: {name: w}}`, new: labels("a~1: '7'"), counted: true}, "/metadata/labels/a~01"},
		{ignoring{name: "a name that is -", git: `{}`, old: `{metadata: {name: w}}`, new: labels("'-': '7'"), counted: true}, "/metadata/labels/-"},
		{ignoring{name: "what Git spells out and the API server drops", git: `{spec: {paused: false, replicas: 1}}`, old: `{spec: {replicas: 1}}`, new: `{spec: {paused: true, replicas: 1}}`, counted: true}, "/spec/paused"},
		{ignoring{name: "replicas of a Scale", kind: deployment, git: `{spec: {replicas: 1}}`, old: `{spec: {replicas: 1}}`, new: `{spec: {replicas: 5}}`, update: fields.Update{Part: fields.Scale}, counted: true}, "/spec/replicas"},
	} {
		t.Run(test.name, func(t *testing.T) {
			pointer, err := fields.ParsePointer(test.pointer)
			if err != nil {
				t.Fatal(err)
			}
			test.update.Ignored = []fields.Ignore{pointer}
			test.run(t)
		})
	}
}

func TestFieldsIgnoredByJQ(t *testing.T) {
	const (
		hook     = `{webhooks: [{name: a.example.com, clientConfig: {caBundle: Cg==, service: {name: s}}}]}`
		injected = `{webhooks: [{name: a.example.com, clientConfig: {caBundle: LS0=, service: {name: s}}}]}`
		redirect = `{webhooks: [{name: a.example.com, clientConfig: {caBundle: LS0=, service: {name: evil}}}]}`
		versions = `{spec: {group: example.com, versions: [{name: v1, schema: {openAPIV3Schema: {type: object}}}]}}`
	)
	inject := func(item string) string {
		return `{spec: {replicas: 1, template: {spec: {initContainers: [` + item + `], containers: [{name: web, image: a, args: [p, q]}, {name: log, image: b}]}}}}`
	}
	for _, test := range []struct {
		ignoring
		expression string
	}{
		{ignoring{name: "an item by its name", git: `{spec: {replicas: 1}}`, old: strings.Replace(inject(""), "initContainers: [], ", "", 1), new: inject("{name: injected-init-container, image: i}"), counted: true}, `.spec.template.spec.initContainers[] | select(.name == "injected-init-container")`},
		{ignoring{name: "an item by another name", git: `{spec: {replicas: 1}}`, old: strings.Replace(inject(""), "initContainers: [], ", "", 1), new: inject("{name: other, image: i}"), any: true,
			want: []string{`undeclared spec.template.spec.initContainers: git -, old -, new [{"image":"i","name":"other"}]`}}, `.spec.template.spec.initContainers[] | select(.name == "injected-init-container")`},
		{ignoring{name: "an injected certificate", kind: mutator, git: hook, old: hook, new: injected, counted: true}, `.webhooks[]?.clientConfig.caBundle`},
		{ignoring{name: "an injected certificate, and another change", kind: mutator, git: hook, old: hook, new: redirect, any: true,
			want: []string{`declared webhooks[name=a.example.com].clientConfig.service.name: git "s", old "s", new "evil"`}}, `.webhooks[]?.clientConfig.caBundle`},
		{ignoring{name: "a schema", kind: definition, git: versions, old: versions, new: strings.Replace(versions, "type: object", "type: string", 1), counted: true}, `.spec.versions[].schema`},
		{ignoring{name: "a member with a slash in its name", git: `{}`, old: `{metadata: {name: w}}`, new: `{metadata: {name: w, annotations: {linkerd.io/proxy-version: "2"}}}`, counted: true}, `.metadata.annotations["linkerd.io/proxy-version"]`},
		{ignoring{name: "members whose names begin alike", git: `{}`, old: `{metadata: {name: w}}`, new: `{metadata: {name: w, annotations: {linkerd.io/a: "2", linkerd.io/b: "3"}}}`, counted: true}, `.metadata.annotations | .[keys[] | select(startswith("linkerd.io/"))]`},
		{ignoring{name: "several paths", git: twoContainers, old: twoContainers, new: changing("replicas: 1", "replicas: 5", "image: a", "image: c"), counted: true}, `.spec.replicas, .spec.template.spec.containers[0].image`},
		{ignoring{name: "items that match a pattern", git: twoContainers, old: twoContainers, new: changing("image: a", "image: c", "image: b", "image: d"), any: true, want: []string{webImage}}, `.spec.template.spec.containers[] | select(.name | test("^lo")) | .image`},
		{ignoring{name: "all of a name, wherever", git: twoContainers, old: twoContainers, new: changing("image: a", "image: c", "image: b", "image: d"), counted: true}, `.. | objects | .image`},
		{ignoring{name: "the last item", git: twoContainers, old: twoContainers, new: changing("image: b", "image: d"), counted: true}, `.spec.template.spec.containers[-1].image`},
		{ignoring{name: "a slice", git: twoContainers, old: twoContainers, new: changing("image: b", "image: d"), counted: true}, `.spec.template.spec.containers[1:]`},
		{ignoring{name: "an item of a slice", git: twoContainers, old: twoContainers, new: changing("image: b", "image: d"), counted: true}, `.spec.template.spec.containers[1:][0].image`},
		{ignoring{name: "items before others keep the places of those", git: twoContainers, old: twoContainers, new: changing("args: [p, q]", "args: [r, s]"), counted: true}, `.spec.template.spec.containers[0].args[0, 1]`},
		{ignoring{name: "by a number", git: twoContainers, old: twoContainers, new: changing("image: a", "image: c"), counted: true}, `select(.spec.replicas >= 1) | .spec.template.spec.containers[].image`},
		{ignoring{name: "by the kind", git: twoContainers, old: twoContainers, new: changing("image: a", "image: c"), counted: true}, `select(.kind == "Deployment" and .apiVersion == "apps/v1") | .spec.template.spec.containers[].image`},
		{ignoring{name: "what goes wrong ignores nothing", git: twoContainers, old: twoContainers, new: changing("image: a", "image: c"), any: true, want: []string{webImage}}, `.spec.template.spec.containers[].image, .spec.missing[]`},
		{ignoring{name: "what is no path ignores nothing", git: twoContainers, old: twoContainers, new: changing("image: a", "image: c"), any: true, want: []string{webImage}}, `.spec.template.spec.containers | length`},
		{ignoring{name: "the whole object ignores nothing", git: twoContainers, old: twoContainers, new: changing("image: a", "image: c"), any: true, want: []string{webImage}}, `.`},
		{ignoring{name: "everything in it, and itself, ignores nothing", git: twoContainers, old: twoContainers, new: changing("image: a", "image: c"), any: true, want: []string{webImage}}, `..`},
		{ignoring{name: "what takes too long ignores nothing", git: twoContainers, old: twoContainers, new: changing("image: a", "image: c"), any: true, want: []string{webImage}}, strings.Repeat(`..|`, 40) + `.image?`},
	} {
		t.Run(test.name, func(t *testing.T) {
			query, err := fields.ParseJQ(test.expression)
			if err != nil {
				t.Fatal(err)
			}
			test.update.Ignored = []fields.Ignore{query}
			test.run(t)
		})
	}
}

func TestFieldsIgnoredByManager(t *testing.T) {
	owned := func(manager, version, fields, object string) string {
		return strings.Replace(object, "{metadata: {", `{metadata: {managedFields: [{manager: agent, operation: Apply, apiVersion: apps/v1, fieldsV1: {"f:spec": {"f:paused": {}}}}, {manager: `+manager+`, operation: Update, apiVersion: `+version+`, fieldsV1: `+fields+`}], `, 1)
	}
	const (
		replicas = `{"f:spec": {"f:replicas": {}}}`
		image    = `{"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"web"}': {"f:image": {}}}}}}}`
		proxy    = `{"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"proxy"}': {".": {}, "f:name": {}, "f:image": {}}}}}}}`
		port     = `{"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"web"}': {"f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {"f:hostPort": {}}}}}}}}}`
		label    = `{"f:metadata": {"f:labels": {".": {}, "f:mesh": {}}}}`
		args     = `{"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"web"}': {"f:args": {}}}}}}}`
		hold     = `{"f:metadata": {"f:finalizers": {'v:"example.com/hold"': {}}}}`
	)
	scaled := changing("replicas: 1", "replicas: 5")
	withProxy := changing("{name: log", "{name: proxy, image: p}, {name: log")
	for _, test := range []struct {
		ignoring
		manager string
	}{
		{ignoring{name: "a field of a manager's, after", git: twoContainers, old: twoContainers, new: owned("scaler", "apps/v1", replicas, scaled), counted: true}, "scaler"},
		{ignoring{name: "a field of a manager's, before", git: twoContainers, old: owned("scaler", "apps/v1", replicas, scaled), new: changing("replicas: 1", "replicas: 6"), counted: true}, "scaler"},
		{ignoring{name: "a field of another's", git: twoContainers, old: twoContainers, new: owned("scaler", "apps/v1", replicas, scaled), any: true, want: []string{"declared spec.replicas: git 1, old 1, new 5"}}, "other"},
		{ignoring{name: "of another version nobody can tell", git: twoContainers, old: twoContainers, new: owned("scaler", "apps/v1beta1", replicas, scaled), any: true, want: []string{"declared spec.replicas: git 1, old 1, new 5"}}, "scaler"},
		{ignoring{name: "what can't be read is nobody's", git: twoContainers, old: twoContainers, new: owned("scaler", "apps/v1", "[]", scaled), any: true, want: []string{"declared spec.replicas: git 1, old 1, new 5"}}, "scaler"},
		{ignoring{name: "another field", git: twoContainers, old: twoContainers, new: owned("scaler", "apps/v1", replicas, changing("image: a", "image: c")), any: true, want: []string{webImage}}, "scaler"},
		{ignoring{name: "a field of an item", git: twoContainers, old: twoContainers, new: owned("updater", "apps/v1", image, changing("image: a", "image: c", "image: b", "image: d")), any: true,
			want: []string{`declared spec.template.spec.containers[name=log].image: git "b", old "b", new "d"`}}, "updater"},
		{ignoring{name: "a whole item", git: twoContainers, old: twoContainers, new: owned("mesh", "apps/v1", proxy, withProxy), counted: true}, "mesh"},
		{ignoring{name: "an item that holds more", git: twoContainers, old: twoContainers, new: owned("mesh", "apps/v1", proxy, strings.Replace(withProxy, "image: p", "image: p, tty: true", 1)), any: true,
			want: []string{`undeclared spec.template.spec.containers[name=proxy]: git -, old -, new {"name":"proxy","tty":true}`}}, "mesh"},
		{ignoring{name: "an item by a key that Git leaves out", git: changing("image: a", "image: a, ports: [{containerPort: 80, hostPort: 1}]"), old: changing("image: a", "image: a, ports: [{containerPort: 80, protocol: TCP, hostPort: 1}]"),
			new: owned("ports", "apps/v1", port, changing("image: a", "image: a, ports: [{containerPort: 80, protocol: TCP, hostPort: 2}]")), counted: true}, "ports"},
		{ignoring{name: "a label, and the labels with it", git: `{spec: {paused: true}}`, old: `{metadata: {name: w}}`, new: owned("mesh", "apps/v1", label, `{metadata: {name: w, labels: {mesh: "on"}}}`), counted: true}, "mesh"},
		{ignoring{name: "a list that is one value", git: twoContainers, old: twoContainers, new: owned("tuner", "apps/v1", args, changing("args: [p, q]", "args: [r]")), counted: true}, "tuner"},
		{ignoring{name: "an item, where Git's keys are encrypted", git: `{sops: {mac: m}, spec: {template: {spec: {containers: [{name: "ENC[x]", image: a}]}}}}`, old: twoContainers,
			new: owned("updater", "apps/v1", image, changing("image: a", "image: c")), counted: true}, "updater"},
		{ignoring{name: "an item of a set", git: `{}`, old: `{metadata: {finalizers: [a]}}`, new: owned("holder", "apps/v1", hold, `{metadata: {finalizers: [a, example.com/hold]}}`), counted: true}, "holder"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.update.Managers = []string{test.manager}
			test.run(t)
		})
	}
}

func TestFieldsThatNobodyCanTell(t *testing.T) {
	password := func(value string) string { return `{metadata: {name: s}, data: {password: ` + value + `, user: YQ==}}` }
	for _, test := range []struct {
		ignoring
		path string
	}{
		{ignoring{name: "a value of a Secret", kind: secret, git: password("Zmlyc3Q="), old: password("b2xk"), new: password("bmV3"), counted: true}, "data.password"},
		{ignoring{name: "a value that Git gives as text", kind: secret, git: `{stringData: {password: first}}`, old: password("b2xk"), new: password("bmV3"), counted: true}, "stringData.password"},
		{ignoring{name: "another value", kind: secret, git: password("Zmlyc3Q="), old: password("b2xk"), new: strings.Replace(password("b2xk"), "YQ==", "Yg==", 1), any: true,
			want: []string{"declared data.user: git (hidden), old (hidden), new (hidden)"}}, "data.password"},
		{ignoring{name: "a name with dots", git: `{}`, old: `{metadata: {annotations: {checksum/a..b: "1"}}}`, new: `{metadata: {annotations: {checksum/a..b: "2"}}}`, counted: true}, "metadata.annotations[checksum/a..b]"},
		{ignoring{name: "a field of an item", git: twoContainers, old: twoContainers, new: changing("image: a", "image: c"), counted: true}, "spec.template.spec.containers[name=web].image"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.update.Undetermined = []string{test.path}
			test.run(t)
		})
	}
}

func TestWhatOfAnAgentsIgnoredFieldsCannotBeUsed(t *testing.T) {
	const text = `"[" is no pattern of a group or a kind: syntax error in pattern
"spec/replicas" is no JSON pointer to a field: write it as /spec/replicas
jq expression ".spec | env": the function env is not supported`
	ignored := gitindex.FieldIgnore{
		Group: "[", Kind: "*", Pointers: []string{"spec/replicas", "/spec/paused"}, JQ: []string{".spec | env", ".spec.replicas"}, Managers: []string{"m"},
	}
	if err := fields.CheckIgnore(ignored); err == nil || err.Error() != text {
		t.Errorf("got %v, want %s", err, text)
	}
	if found, _ := fields.ParseIgnore(ignored); len(found) != 2 {
		t.Errorf("%d expressions can be used, not 2", len(found))
	}
	ignored.Group, ignored.Pointers, ignored.JQ = "apps", ignored.Pointers[1:], ignored.JQ[1:]
	if err := fields.CheckIgnore(ignored); err != nil {
		t.Error(err)
	}
}

func TestPointersThatNameNoField(t *testing.T) {
	for pointer, want := range map[string]string{
		"":               `"" is no JSON pointer to a field: write it as /spec/replicas`,
		"spec/replicas":  `"spec/replicas" is no JSON pointer to a field: write it as /spec/replicas`,
		"#/spec":         `"#/spec" is no JSON pointer to a field: write it as /spec/replicas`,
		"/metadata/a~b":  `"/metadata/a~b" is no JSON pointer to a field: in a~b, write ~0 for ~ and ~1 for /`,
		"/metadata/a~":   `"/metadata/a~" is no JSON pointer to a field: in a~, write ~0 for ~ and ~1 for /`,
		"/metadata/a~~0": `"/metadata/a~~0" is no JSON pointer to a field: in a~~0, write ~0 for ~ and ~1 for /`,
	} {
		if _, err := fields.ParsePointer(pointer); err == nil || err.Error() != want {
			t.Errorf("%q: %v", pointer, err)
		}
	}
}
