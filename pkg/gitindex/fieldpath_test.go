package gitindex_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func TestFieldPathsAreWrittenAsPeopleReadThem(t *testing.T) {
	for _, c := range []struct {
		path  string
		steps []string
	}{
		{"", nil},
		{"spec", []string{"spec"}},
		{"spec.replicas", []string{"spec", "replicas"}},
		{"metadata.labels[app.kubernetes.io/name]", []string{"metadata", "labels", "[app.kubernetes.io/name]"}},
		{"spec.containers[name=web].ports[containerPort=80,protocol=TCP].name",
			[]string{"spec", "containers", "[name=web]", "ports", "[containerPort=80,protocol=TCP]", "name"}},
		{"spec.rules[0].host", []string{"spec", "rules", "[0]", "host"}},
		{"data[a b]", []string{"data", "[a b]"}},
		{"data[]", []string{"data", "[]"}},
		{"m[0][1]", []string{"m", "[0]", "[1]"}},
		{"cut[short", []string{"cut", "[short"}},
	} {
		if diff := cmp.Diff(c.steps, gitindex.SplitPath(c.path)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.path, diff)
		}
	}
}

func TestPathsAreBuiltFromNamesAndSelectors(t *testing.T) {
	path := ""
	for _, name := range []string{"spec", "template", "metadata", "labels", "app.kubernetes.io/name"} {
		path = gitindex.AppendField(path, name)
	}
	if want := "spec.template.metadata.labels[app.kubernetes.io/name]"; path != want {
		t.Errorf("%s, not %s", path, want)
	}
	path = gitindex.AppendField(gitindex.AppendSelector("spec.containers", "name=web"), "image")
	if want := "spec.containers[name=web].image"; path != want {
		t.Errorf("%s, not %s", path, want)
	}
	if got := gitindex.AppendField("data", ""); got != "data[]" {
		t.Errorf("an empty name is %s", got)
	}
}

func TestAFieldIsLocatedWhereItIsSetLast(t *testing.T) {
	origin := gitindex.Origin{File: "base.yaml", Line: 1, Fields: []gitindex.FieldOrigin{
		{Path: "spec.replicas", File: "replicas.yaml", Line: 7},
		{Path: "spec.template.spec.containers[name=web]", File: "web.yaml", Line: 9},
		{Path: "spec.template.spec.containers[name=web].image", File: "kustomization.yaml", Line: 12},
		{Path: "spec.template.spec.containers[name=web].ports[containerPort=80]", File: "ports.yaml", Line: 3},
		{Path: "metadata.labels[app.kubernetes.io/name]", File: "labels.yaml"},
	}}
	for _, c := range []struct {
		name, path, file string
		line             int
	}{
		{"a patched field", "spec.replicas", "replicas.yaml", 7},
		{"a field that no patch sets", "spec.paused", "base.yaml", 1},
		{"a name that only starts alike", "spec.replicasExtra", "base.yaml", 1},
		{"a field below a patched one", "spec.template.spec.containers[name=web].env[name=A].value", "web.yaml", 9},
		{"the same field patched twice: the last", "spec.template.spec.containers[name=web].image", "kustomization.yaml", 12},
		{"a field above patched ones: the last", "spec.template.spec.containers[name=web]", "ports.yaml", 3},
		{"an item of another name", "spec.template.spec.containers[name=db].image", "base.yaml", 1},
		{"an item of which the patch names fewer keys", "spec.template.spec.containers[name=web].ports[containerPort=80,protocol=TCP].name", "ports.yaml", 3},
		{"an item that differs in a key", "spec.template.spec.containers[name=web].ports[containerPort=81,protocol=TCP].name", "web.yaml", 9},
		{"a label, its line unknown", "metadata.labels[app.kubernetes.io/name]", "labels.yaml", 0},
		{"another label", "metadata.labels[app]", "base.yaml", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if file, line := origin.Locate(c.path); file != c.file || line != c.line {
				t.Errorf("%s:%d, not %s:%d", file, line, c.file, c.line)
			}
		})
	}
}
