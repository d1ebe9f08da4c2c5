package fields_test

import (
	"testing"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// TestWhatBothSidesShareIsComparedAsIfTheyDidNot is about comparisons that
// change the sides first: what a request leaves alone is in both, and is changed
// once or twice.
func TestWhatBothSidesShareIsComparedAsIfTheyDidNot(t *testing.T) {
	const (
		labelled  = `{metadata: {name: w, labels: {team: a}}, spec: {replicas: 1}}`
		annotated = `{metadata: {name: w, annotations: {a: b}, labels: {team: a}}, spec: {replicas: 2}}`
		owned     = `managedFields: [{manager: tuner, operation: Update, apiVersion: apps/v1, fieldsType: FieldsV1, fieldsV1: {"f:metadata": {"f:labels": {"f:team": {}}}}}]`
	)
	team, err := fields.ParsePointer("/metadata/labels/team")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name     string
		kind     kschema.GroupVersionKind // deployment if empty
		old, new string
		update   fields.Update // the rest of it
	}{
		{name: "nothing is ignored", old: labelled, new: annotated},
		{name: "all is the same", old: labelled, new: labelled},
		{name: "notes alone", old: `{metadata: {annotations: {deployment.kubernetes.io/revision: "1"}}}`, new: `{metadata: {name: w, annotations: {deployment.kubernetes.io/revision: "1"}}}`},
		{name: "the status", old: `{metadata: {labels: {a: b}}, status: {replicas: 1}}`, new: `{metadata: {labels: {a: c}}, status: {replicas: 1}}`, update: fields.Update{Part: fields.Status}},
		{name: "a label is ignored", old: labelled, new: annotated, update: fields.Update{Ignored: []fields.Ignore{team}}},
		{name: "a label can't be told", old: labelled, new: annotated, update: fields.Update{Undetermined: []string{"metadata.labels.team"}}},
		{
			name: "a label's manager is ignored", old: `{metadata: {name: w, labels: {team: a}, ` + owned + `}}`, new: `{metadata: {name: w, annotations: {a: b}, labels: {team: a}, ` + owned + `}}`,
			update: fields.Update{Managers: []string{"tuner"}},
		},
		{
			name: "an autoscaler's annotations", kind: kschema.GroupVersionKind{Group: "autoscaling", Version: "v1", Kind: "HorizontalPodAutoscaler"},
			old:    `{metadata: {annotations: {autoscaling.alpha.kubernetes.io/behavior: '{"scaleUp": {"stabilizationWindowSeconds": 3}}'}}, spec: {maxReplicas: 1}}`,
			new:    `{metadata: {labels: {a: b}, annotations: {autoscaling.alpha.kubernetes.io/behavior: '{"scaleUp": {"stabilizationWindowSeconds": 3}}'}}, spec: {maxReplicas: 2}}`,
			update: fields.Update{Version: "v2"},
		},
		{
			name: "an autoscaler's annotations of another version", kind: kschema.GroupVersionKind{Group: "autoscaling", Version: "v1", Kind: "HorizontalPodAutoscaler"},
			old:    `{metadata: {annotations: {autoscaling.alpha.kubernetes.io/behavior: '{"scaleUp": {"stabilizationWindowSeconds": 3}}'}}, spec: {maxReplicas: 1, targetCPUUtilizationPercentage: 3}}`,
			new:    `{metadata: {labels: {a: b}, annotations: {autoscaling.alpha.kubernetes.io/behavior: '{"scaleUp": {"stabilizationWindowSeconds": 3}}'}}, spec: {maxReplicas: 2, targetCPUUtilizationPercentage: 3}}`,
			update: fields.Update{Version: "v2beta9"},
		},
		{name: "a Scale", old: `{metadata: {name: w}, spec: {replicas: 1}}`, new: `{metadata: {name: w}, spec: {replicas: 2}}`, update: fields.Update{Part: fields.Scale}},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := test.update
			if u.Type = test.kind; u.Type.Kind == "" {
				u.Type = deployment
			}
			u.Tracked = true
			u.Declared, u.Old, u.New = gitindex.NewManifest(toJSON(t, `{metadata: {name: w}, spec: {replicas: 1}}`)), toJSON(t, test.old), toJSON(t, test.new)
			change, err := builtinTypes(t).Compare(u)
			if err != nil {
				t.Fatal(err)
			}
			apart(t, builtinTypes(t), u, change)
		})
	}
}
