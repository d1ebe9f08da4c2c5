package render_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// TestEveryFieldLeadsToTheFileThatSetsIt compares the origins of the objects
// of each archive with those that it says it has.
func TestEveryFieldLeadsToTheFileThatSetsIt(t *testing.T) {
	for _, file := range glob(t, "testdata/parity/*.txtar") {
		t.Run(file, func(t *testing.T) {
			root := extract(t, file)
			dir := "app"
			if _, err := os.Stat(filepath.Join(root, dir)); err != nil {
				dir = "."
			}
			got := originsText(renderAt(t, root, gitindex.Location{Path: dir}))
			if diff := cmp.Diff(wantedOrigins(t, file), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func wantedOrigins(t *testing.T, file string) string {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		if f.Name == "want/origins" {
			return string(f.Data)
		}
	}
	t.Fatalf("%s has no want/origins", file)
	return ""
}

func originsText(declared []gitindex.Declared) string {
	var b strings.Builder
	for _, d := range declared {
		fmt.Fprintf(&b, "%s  %s:%d\n", d.Key, d.Origin.File, d.Origin.Line)
		for _, f := range d.Origin.Fields {
			fmt.Fprintf(&b, "  %s  %s:%d\n", f.Path, f.File, f.Line)
		}
	}
	return b.String()
}

func TestFieldsOfTheExampleLeadToTheFileToChange(t *testing.T) {
	const (
		base    = "apps/base/guestbook/"
		staging = "apps/overlays/staging/"
		prod    = "apps/overlays/production/"
	)
	for _, test := range []struct{ stage, object, field, file string }{
		{staging, "Deployment staging/guestbook", "spec.replicas", staging + "patch-replicas.yaml:6"},
		{staging, "Deployment staging/guestbook", "spec.template.spec.containers[name=web].image", staging + "kustomization.yaml:16"},
		{staging, "Deployment staging/guestbook", "spec.template.spec.containers[name=web].ports[containerPort=8080,protocol=TCP].name", base + "deployment.yaml:1"},
		{staging, "Deployment staging/guestbook", "spec.template.spec.containers[name=web].resources.limits.memory", base + "deployment.yaml:1"},
		{staging, "Deployment staging/guestbook", "spec.template.spec.volumes[name=config].configMap.name", base + "kustomization.yaml:10"},
		{staging, "Deployment staging/guestbook", "metadata.namespace", staging + "kustomization.yaml:3"},
		{staging, "Deployment staging/guestbook", "metadata.labels[app.kubernetes.io/name]", base + "deployment.yaml:1"},
		{staging, "Deployment staging/guestbook", "metadata.labels[app.kubernetes.io/part-of]", base + "kustomization.yaml:8"},
		{staging, "Service staging/guestbook", "spec.ports[port=80,protocol=TCP].targetPort", base + "service.yaml:1"},
		{staging, "ConfigMap staging/guestbook-config-*", "data.LOG_LEVEL", staging + "kustomization.yaml:13"},
		{staging, "ConfigMap staging/guestbook-config-*", "data[app.properties]", base + "app.properties:1"},
		{staging, "SealedSecret staging/guestbook-database", "spec.encryptedData.password", staging + "sealed-database.yaml:1"},
		{prod, "Deployment production/guestbook", "spec.replicas", prod + "kustomization.yaml:10"},
		{prod, "Deployment production/guestbook", "spec.template.spec.containers[name=web].resources.limits.memory", prod + "patch-resources.yaml:15"},
		{prod, "Deployment production/guestbook", "spec.template.spec.affinity.podAntiAffinity", prod + "patch-anti-affinity.yaml:10"},
		{prod, "Deployment production/guestbook", "spec.template.spec.containers[name=web].readinessProbe", base + "deployment.yaml:1"},
		{prod, "ConfigMap production/guestbook-config-*", "data.LOG_LEVEL", base + "kustomization.yaml:14"},
	} {
		t.Run(test.object+" "+test.field, func(t *testing.T) {
			d := find(t, renderAt(t, infra, gitindex.Location{Path: test.stage}), test.object)
			file, line := d.Origin.Locate(test.field)
			if got := fmt.Sprintf("%s:%d", file, line); got != test.file {
				t.Errorf("%s is set in %s, want %s", test.field, got, test.file)
			}
		})
	}
}

func find(t *testing.T, declared []gitindex.Declared, object string) gitindex.Declared {
	t.Helper()
	for _, d := range declared {
		if ok, _ := filepath.Match(strings.ReplaceAll(object, "/", "|"), strings.ReplaceAll(d.Key.String(), "/", "|")); ok {
			return d
		}
	}
	t.Fatalf("no %s", object)
	return gitindex.Declared{}
}
