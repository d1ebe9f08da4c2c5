package fields_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/structured-merge-diff/v6/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// TestWhatIsKeptIsComparedAsIfItWereReadAgain makes each comparison after each
// other one of the same declared object: some change Git's side for themselves.
func TestWhatIsKeptIsComparedAsIfItWereReadAgain(t *testing.T) {
	team, err := fields.ParsePointer("/metadata/labels/team")
	if err != nil {
		t.Fatal(err)
	}
	image, err := fields.ParseJQ(`.spec.template.spec.containers[] | select(.name == "web") | .image`)
	if err != nil {
		t.Fatal(err)
	}
	var (
		statefulSet = kschema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "StatefulSet"}
		autoscaler  = kschema.GroupVersionKind{Group: "autoscaling", Version: "v1", Kind: "HorizontalPodAutoscaler"}
		autoscaling = autoscaler.GroupKind().WithVersion("v2")
		configMap   = kschema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}
	)
	const owned = `managedFields: [{manager: tuner, operation: Update, apiVersion: apps/v1, fieldsType: FieldsV1, fieldsV1: {"f:metadata": {"f:labels": {"f:team": {}}}}}]`
	for _, object := range []struct {
		name, git, old, new string
		updates             map[string]fields.Update
	}{
		{
			name: "a Deployment",
			git: `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, creationTimestamp: null, labels: {team: a}, annotations: {deployment.kubernetes.io/revision: "1", note: a}},
				spec: {paused: true, replicas: 1, template: {spec: {hostNetwork: false, containers: [{name: web, image: "web:1", resources: {requests: {cpu: 1000m}}}]}}}, status: {replicas: 1}}`,
			old: `{metadata: {name: web, labels: {team: b}, ` + owned + `}, spec: {replicas: 2, template: {spec: {containers: [{name: web, image: "web:2"}]}}}, status: {replicas: 2}}`,
			new: `{metadata: {name: web, labels: {team: c}, ` + owned + `}, spec: {paused: false, replicas: 3, template: {spec: {hostNetwork: true, containers: [{name: web, image: "web:3"}]}}}, status: {replicas: 3}}`,
			updates: map[string]fields.Update{
				"itself":                 {Type: deployment},
				"tracked":                {Type: deployment, Tracked: true, Manager: "tuner"},
				"its status":             {Type: deployment, Part: fields.Status},
				"its scale":              {Type: deployment, Part: fields.Scale},
				"a field ignored":        {Type: deployment, Ignored: []fields.Ignore{team}},
				"a query ignored":        {Type: deployment, Ignored: []fields.Ignore{image}},
				"a manager ignored":      {Type: deployment, Managers: []string{"tuner"}},
				"a field undetermined":   {Type: deployment, Undetermined: []string{"spec.template.spec.containers[name=web].image"}},
				"a field hidden":         {Type: deployment, Hidden: []string{"spec.replicas"}},
				"another version":        {Type: deployment, Version: "v0"},
				"another version, alike": {Type: deployment, Version: "v1beta2"},
				"another kind":           {Type: statefulSet},
			},
		},
		{
			name: "an autoscaler",
			git:  `{metadata: {annotations: {autoscaling.alpha.kubernetes.io/behavior: '{"scaleUp": {"stabilizationWindowSeconds": 3}}'}}, spec: {maxReplicas: 1}}`,
			old:  `{metadata: {annotations: {autoscaling.alpha.kubernetes.io/behavior: '{"scaleUp": {"stabilizationWindowSeconds": 4}}'}}, spec: {maxReplicas: 2}}`,
			new:  `{metadata: {annotations: {autoscaling.alpha.kubernetes.io/behavior: '{"scaleUp": {"stabilizationWindowSeconds": 5}}'}}, spec: {maxReplicas: 3}}`,
			updates: map[string]fields.Update{
				"itself":          {Type: autoscaler},
				"another version": {Type: autoscaling, Version: "v1"},
				"another":         {Type: autoscaling},
			},
		},
		{
			name: "what SOPS encrypted", git: `{data: {key: "ENC[AES256_GCM,data:x]", note: a}, sops: {mac: x}}`,
			old: `{data: {key: "ENC[AES256_GCM,data:y]", note: b}, sops: {mac: y}}`, new: `{data: {key: "ENC[AES256_GCM,data:x]", note: c}, sops: {mac: x}}`,
			updates: map[string]fields.Update{
				"which lives encrypted": {Type: configMap},
				"decrypted":             {Type: configMap, Old: toJSON(t, `{data: {key: secret, note: b}}`)},
				"a Secret":              {Type: kschema.GroupVersionKind{Version: "v1", Kind: "Secret"}, Old: toJSON(t, `{data: {key: c2VjcmV0}}`)},
			},
		},
	} {
		git := gitindex.NewManifest(toJSON(t, object.git))
		made := func(types *fields.Types, u fields.Update) string {
			u.Declared, u.New = git, toJSON(t, object.new)
			if u.Old == nil {
				u.Old = toJSON(t, object.old)
			}
			if u.Part == fields.Scale {
				u.Old, u.New = toJSON(t, `{spec: {replicas: 2}}`), toJSON(t, `{spec: {replicas: 3}}`)
			}
			change, err := types.Compare(u)
			return fmt.Sprintf("%+v, %v", change, err)
		}
		for name, update := range object.updates {
			want := made(builtinTypes(t), update)
			for before, other := range object.updates {
				types := builtinTypes(t).Keeping(1 << 20)
				made(types, other)
				if diff := cmp.Diff(want, made(types, update)); diff != "" {
					t.Errorf("%s, %s after %s (-read +kept):\n%s", object.name, name, before, diff)
				}
			}
		}
	}
}

// tune is an update of a Deployment that takes another value than Git's.
func tune(t *testing.T, git string) fields.Update {
	return fields.Update{
		Type: deployment, Declared: gitindex.NewManifest(toJSON(t, git)),
		Old: toJSON(t, `{spec: {replicas: 2}}`), New: toJSON(t, `{spec: {replicas: 3}}`),
	}
}

func TestAnObjectIsReadOnce(t *testing.T) {
	for _, test := range []struct {
		name  string
		types *fields.Types
		want  string
	}{
		{"kept", builtinTypes(t).Keeping(10_000), "declared spec.replicas: git 1, old 2, new 3"},
		{"too large to be kept", builtinTypes(t).Keeping(100), "declared spec.replicas: git 5, old 2, new 3"},
		{"not kept", builtinTypes(t), "declared spec.replicas: git 5, old 2, new 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			update := tune(t, `{spec: {replicas: 1}}`)
			if _, err := test.types.Compare(update); err != nil {
				t.Fatal(err)
			}
			text := update.Declared.JSON()
			copy(text, bytes.Replace(text, []byte("1"), []byte("5"), 1)) // nobody may: it shows who reads it again
			change, err := test.types.Compare(update)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{test.want}, describeAll(change)); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoMoreIsKeptThanMayBe(t *testing.T) {
	const most = 10_000
	types := builtinTypes(t).Keeping(most)
	first := tune(t, `{metadata: {name: first}, spec: {replicas: 1}}`)
	for i := range 100 {
		for _, u := range []fields.Update{first, tune(t, fmt.Sprintf("{metadata: {name: web-%d}, spec: {replicas: 1}}", i))} {
			if _, err := types.Compare(u); err != nil {
				t.Fatal(err)
			}
		}
		if count, bytes := types.Kept(); bytes > most || count < min(i, 5) {
			t.Fatalf("after %d objects, %d are kept in %d bytes", i+2, count, bytes)
		}
	}
	large := tune(t, fmt.Sprintf("{metadata: {name: %s}, spec: {replicas: 1}}", strings.Repeat("a", most)))
	if _, err := types.Compare(large); err != nil {
		t.Fatal(err)
	}
	if !types.Keeps(first) || types.Keeps(large) {
		t.Error("the object that was asked about most is not kept, or one that is too large is")
	}
}

func TestNothingIsKeptOfAKindWhoseSchemaMayChange(t *testing.T) {
	schemas := published{}
	types := builtinTypes(t).Keeping(10_000).With(schemas)
	update := tune(t, `{spec: {replicas: 1}}`)
	update.Type = gadget
	for _, test := range []struct {
		name   string
		schema *schema.Schema
		want   string
	}{
		{"there is none", nil, "declared spec.replicas: git 1, old 2, new 3"},
		{"there is one, which hasn't this field", gadgetSchemas(t)[gadget], "undeclared spec.replicas: git -, old 2, new 3"},
	} {
		schemas[gadget] = test.schema
		change, err := types.Compare(update)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{test.want}, describeAll(change)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// TestWhatIsKeptIsSharedByManyRequests has the race detector see who writes.
func TestWhatIsKeptIsSharedByManyRequests(t *testing.T) {
	types := builtinTypes(t).Keeping(1 << 20)
	replicas, err := fields.ParsePointer("/spec/replicas")
	if err != nil {
		t.Fatal(err)
	}
	plain := tune(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, uid: a, annotations: {deployment.kubernetes.io/revision: "1"}}, spec: {replicas: 1}}`)
	ignoring := plain
	ignoring.Ignored = []fields.Ignore{replicas}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				for count, u := range []fields.Update{ignoring, plain} {
					if change, err := types.Compare(u); err != nil || len(change.Differences) != count {
						t.Errorf("%v, %v", change, err)
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestWhatGitIsSilentAboutIsNotKept(t *testing.T) {
	types := builtinTypes(t).Keeping(10_000)
	for range 3 {
		if _, err := types.Compare(tune(t, "{}")); err != nil {
			t.Fatal(err)
		}
	}
	if count, _ := types.Kept(); count != 0 {
		t.Errorf("%d sides are kept of nothing", count)
	}
}

func TestADeclarationWithoutAnObjectIsAnError(t *testing.T) {
	for _, types := range []*fields.Types{builtinTypes(t), builtinTypes(t).Keeping(10_000)} {
		update := tune(t, "{}")
		update.Declared = gitindex.Manifest{}
		if change, err := types.Compare(update); !errors.Is(err, fields.ErrGit) {
			t.Errorf("%v, %v", change, err)
		}
	}
}
