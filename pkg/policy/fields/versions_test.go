package fields_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

const (
	// autoscalerV2 is a HorizontalPodAutoscaler, and autoscalerV1 the same as
	// the API server shows it in v1.
	autoscalerV2 = `
spec:
  maxReplicas: 5
  metrics:
  - {type: Resource, resource: {name: memory, target: {type: Utilization, averageUtilization: 70}}}
  - {type: Pods, pods: {metric: {name: packets}, target: {type: AverageValue, averageValue: "1"}}}
  - {type: External, external: {metric: {name: queue}, target: {type: Value, value: "30"}}}
  - {type: Object, object: {describedObject: {kind: Service, name: web}, metric: {name: hits}, target: {type: AverageValue, averageValue: "2"}}}
  - {type: ContainerResource, containerResource: {name: cpu, container: web, target: {type: Utilization, averageUtilization: 60}}}
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 300, selectPolicy: Max, policies: [{type: Percent, value: 100, periodSeconds: 15}]}
`
	autoscalerV1 = `
metadata:
  annotations:
    autoscaling.alpha.kubernetes.io/metrics: '[{"type":"Resource","resource":{"name":"memory","targetAverageUtilization":70}},{"type":"Pods","pods":{"metricName":"packets","targetAverageValue":"1"}},{"type":"External","external":{"metricName":"queue","targetValue":"30"}},{"type":"Object","object":{"target":{"kind":"Service","name":"web"},"metricName":"hits","targetValue":"0","averageValue":"2"}},{"type":"ContainerResource","containerResource":{"name":"cpu","container":"web","targetAverageUtilization":60}}]'
    autoscaling.alpha.kubernetes.io/behavior: '{"ScaleUp":null,"ScaleDown":{"StabilizationWindowSeconds":300,"SelectPolicy":"Max","Policies":[{"Type":"Percent","Value":100,"PeriodSeconds":15}],"Tolerance":null}}'
    autoscaling.alpha.kubernetes.io/conditions: '[{"type":"AbleToScale","status":"True"}]'
spec:
  maxReplicas: 5
  targetCPUUtilizationPercentage: 80
`
)

func TestCompareWithAnotherVersion(t *testing.T) {
	types := gadgets(t)
	autoscaler := kschema.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}
	attributes := kschema.GroupKind{Group: "storage.k8s.io", Kind: "VolumeAttributesClass"}
	levels := kschema.GroupKind{Group: "flowcontrol.apiserver.k8s.io", Kind: "PriorityLevelConfiguration"}
	for _, test := range []struct {
		name     string
		version  string // of Git
		kind     kschema.GroupVersionKind
		git      string
		old, new string
		unread   bool
		want     []string
	}{
		{
			name: "versions of a custom kind hold the same fields", version: "v1", kind: gadgetV2, git: "spec: {size: 1, steps: [{run: build}]}",
			old: "spec: {size: 1, steps: []}", new: "spec: {size: 2, steps: [{run: build, retries: 3, when: {event: push}}]}",
			want: []string{"declared spec.size: git 1, old 1, new 2"},
		},
		{
			name: "the request's version hasn't got a field that Git declares", version: "v1", kind: gadgetV2, git: "spec: {size: 1, old: a}",
			old: "spec: {size: 2}", new: "spec: {size: 1}", unread: true,
			want: []string{"declared spec.size: git -, old 2, new 1"},
		},
		{
			name: "Git declares what neither version has", version: "v2", kind: gadget, git: "spec: {size: 1, nobody: a}",
			old: "spec: {size: 2}", new: "spec: {size: 1}",
		},
		{
			name: "metadata is the same in all versions", version: "v7", kind: widget, git: "metadata: {labels: {a: b}}\nspec: {size: 1}",
			old: "metadata: {labels: {a: c}}", new: "metadata: {labels: {a: b}}", unread: true,
		},
		{
			name: "a version whose schema isn't known", version: "v7", kind: widget, git: "spec: {size: 1}",
			old: "spec: {size: 1}", new: "spec: {size: 2}", unread: true,
			want: []string{"declared spec.size: git -, old 1, new 2"},
		},
		{
			name: "versions of a built-in kind with the same fields", version: "v1beta1", kind: attributes.WithVersion("v1"), git: "parameters: {iops: '1'}\ndriverName: a",
			old: "parameters: {iops: '1'}\ndriverName: a", new: "parameters: {iops: '2'}\ndriverName: a",
			want: []string{`declared parameters.iops: git "1", old "1", new "2"`},
		},
		{
			name: "versions of a built-in kind with other fields", version: "v1beta3", kind: levels.WithVersion("v1"), git: "spec: {limited: {nominalConcurrencyShares: 0}}",
			old: "spec: {limited: {nominalConcurrencyShares: 30}}", new: "spec: {limited: {nominalConcurrencyShares: 0}}", unread: true,
			want: []string{"declared spec.limited.nominalConcurrencyShares: git -, old 30, new 0"},
		},
		{
			name: "an empty selector meant nothing in an old version, and means all", version: "v1beta1", kind: budget, git: "spec: {selector: {}}",
			old: "spec: {selector: {matchLabels: {app: web}}}", new: "spec: {selector: {}}", unread: true,
			want: []string{`declared spec.selector.matchLabels: git -, old {"app":"web"}, new -`},
		},
		{
			name: "an autoscaler's scale is the same in both versions", version: "v2", kind: autoscaler.WithVersion("v1"), git: autoscalerV2,
			old: edited(autoscalerV1, "maxReplicas: 5", "maxReplicas: 6"), new: autoscalerV1,
		},
		{
			name: "v1 takes Git's v2 back", version: "v2", kind: autoscaler.WithVersion("v1"), git: autoscalerV2,
			old: "spec: {maxReplicas: 1, targetCPUUtilizationPercentage: 10}", new: autoscalerV1,
		},
		{
			name: "v2 takes Git's v1 back", version: "v1", kind: autoscaler.WithVersion("v2"), git: autoscalerV1,
			old: "spec: {maxReplicas: 1, metrics: []}", new: autoscalerV2,
		},
		{
			name: "v1 takes Git's v1 back, whatever spelling Git has", version: "v1", kind: autoscaler.WithVersion("v1"), git: edited(autoscalerV1, `"targetAverageValue":"1"`, `"targetAverageValue": "1000m"`),
			old: "spec: {maxReplicas: 1, targetCPUUtilizationPercentage: 10}", new: autoscalerV1,
		},
		{
			name: "v1 departs from Git's v2", version: "v2", kind: autoscaler.WithVersion("v1"), git: autoscalerV2, old: autoscalerV1,
			new: edited(edited(edited(autoscalerV1, "Percentage: 80", "Percentage: 50"), `"targetValue":"30"`, `"targetValue":"31"`), "300", "10"),
			want: []string{
				"declared metadata.annotations[autoscaling.alpha.kubernetes.io/behavior].scaleDown.stabilizationWindowSeconds: git 300, old 300, new 10",
				`declared metadata.annotations[autoscaling.alpha.kubernetes.io/metrics][2].external.target.value: git "30", old "30", new "31"`,
				"declared spec.targetCPUUtilizationPercentage: git 80, old 80, new 50",
			},
		},
		{
			name: "v2 departs from Git's v1", version: "v1", kind: autoscaler.WithVersion("v2"), git: autoscalerV1, old: autoscalerV2,
			new: edited(edited(autoscalerV2, "averageUtilization: 80", "averageUtilization: 50"), "stabilizationWindowSeconds: 300", "stabilizationWindowSeconds: 10"),
			want: []string{
				"declared spec.behavior.scaleDown.stabilizationWindowSeconds: git 300, old 300, new 10",
				"declared spec.metrics[5].resource.target.averageUtilization: git 80, old 80, new 50",
			},
		},
		{
			name: "v1 adds the metrics that Git's v2 leaves out", version: "v2", kind: autoscaler.WithVersion("v1"), git: "spec: {metrics: [{type: Pods, pods: {metric: {name: a}, target: {type: AverageValue, averageValue: 1}}}]}",
			old:  `metadata: {annotations: {autoscaling.alpha.kubernetes.io/metrics: '[{"type":"Pods","pods":{"metricName":"a","targetAverageValue":"1"}}]'}}`,
			new:  `{metadata: {annotations: {autoscaling.alpha.kubernetes.io/metrics: '[{"type":"Pods","pods":{"metricName":"a","targetAverageValue":"1"}}]'}}, spec: {targetCPUUtilizationPercentage: 5}}`,
			want: []string{"declared spec.targetCPUUtilizationPercentage: git -, old -, new 5"},
		},
		{
			name: "metrics that Git leaves open are open in both versions", version: "v2", kind: autoscaler.WithVersion("v1"), git: "spec: {maxReplicas: 5}",
			old: "spec: {maxReplicas: 5, targetCPUUtilizationPercentage: 80}", new: "spec: {maxReplicas: 5, targetCPUUtilizationPercentage: 50}",
			want: []string{"undeclared spec.targetCPUUtilizationPercentage: git -, old 80, new 50"},
		},
		{
			name: "v1 can't say all that Git's v2 does", version: "v2", kind: autoscaler.WithVersion("v1"), unread: true,
			git: "spec: {metrics: [{type: Resource, resource: {name: cpu, target: {averageUtilization: 1}}}, {type: Resource, resource: {name: cpu, target: {averageUtilization: 2}}}]}",
			old: "spec: {targetCPUUtilizationPercentage: 2}", new: "spec: {targetCPUUtilizationPercentage: 1}",
			want: []string{"declared spec.metrics[0].resource.target.averageUtilization: git -, old 2, new 1"},
		},
		{
			name: "an annotation that is of the spec is no metadata", version: "v2", kind: autoscaler.WithVersion("v1"), unread: true,
			git: "spec: {metrics: [{type: Resource, resource: {name: cpu, target: {averageUtilization: 1}}}, {type: Resource, resource: {name: cpu, target: {averageUtilization: 2}}}]}",
			old: autoscalerV1, new: edited(autoscalerV1, `"targetValue":"30"`, `"targetValue":"31"`),
			want: []string{`declared spec.metrics[2].external.target.value: git -, old "30", new "31"`},
		},
		{
			name: "what the control plane writes into v1's annotations is nobody's change", version: "v1", kind: autoscaler.WithVersion("v1"), git: autoscalerV1,
			old: autoscalerV1, new: edited(autoscalerV1, `"status":"True"`, `"status":"False"`),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			change, err := types.Compare(fields.Update{
				Type: test.kind, Version: test.version, Declared: gitindex.NewManifest(toJSON(t, test.git)), Old: toJSON(t, test.old), New: toJSON(t, test.new),
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, describeAll(change)); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
			if change.Unread != test.unread {
				t.Errorf("Unread is %t", change.Unread)
			}
		})
	}
}
