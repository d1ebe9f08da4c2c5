package fields

import (
	"encoding/json"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
)

// HorizontalPodAutoscalers have two versions of different shape. v1 keeps what
// it has no fields for in annotations, as text. To compare, these are unfolded:
// an annotation holds what its text says, spelled as v2 spells it.
const (
	metricsAnnotation  = "autoscaling.alpha.kubernetes.io/metrics"
	behaviorAnnotation = "autoscaling.alpha.kubernetes.io/behavior"
)

// carried are the annotations of v1 that hold status, or that the API server
// drops.
var carried = []string{
	"autoscaling.alpha.kubernetes.io/conditions", "autoscaling.alpha.kubernetes.io/current-metrics",
	"autoscaling.alpha.kubernetes.io/scale-down-tolerance", "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
}

func isAutoscaler(gvk kschema.GroupVersionKind) bool {
	return gvk.Group == "autoscaling" && gvk.Kind == "HorizontalPodAutoscaler"
}

// convertAutoscaler gives a declared HorizontalPodAutoscaler the shape of the
// other version, v1 unfolded. ok is false for other versions, and for what one
// of them can't say.
func convertAutoscaler(git map[string]any, from, to string) (_ map[string]any, ok bool) {
	if _, ok := git["status"]; ok {
		return nil, false
	}
	switch {
	case from == "v1" && to == "v2":
		return autoscalerV2(unfold(git)), true
	case from == "v2" && to == "v1":
		return autoscalerV1(git)
	}
	return nil, false
}

// unfold reads the annotations of a v1 object. Text that can't be read is gone:
// the API server ignores it.
func unfold(object map[string]any) map[string]any {
	metadata, _ := object["metadata"].(map[string]any)
	annotations, ok := metadata["annotations"].(map[string]any)
	if !ok {
		return object
	}
	for _, name := range carried {
		delete(annotations, name)
	}
	if text, ok := annotations[metricsAnnotation].(string); ok {
		delete(annotations, metricsAnnotation)
		if metrics := readMetrics(text); len(metrics) > 0 {
			annotations[metricsAnnotation] = metrics
		}
	}
	if text, ok := annotations[behaviorAnnotation].(string); ok {
		delete(annotations, behaviorAnnotation)
		if behavior := readBehavior(text); len(behavior) > 0 {
			annotations[behaviorAnnotation] = behavior
		}
	}
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
	return object
}

func readBehavior(text string) map[string]any {
	var behavior autoscalingv2.HorizontalPodAutoscalerBehavior
	if json.Unmarshal([]byte(text), &behavior) != nil {
		return nil
	}
	read, _ := plainJSON(behavior).(map[string]any)
	return read
}

// autoscalerV2 moves what v1 keeps elsewhere to where v2 has it. The processor's
// utilization comes after the other metrics, as the API server has it.
func autoscalerV2(v1 map[string]any) map[string]any {
	spec := member(v1, "spec")
	metadata, _ := v1["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	metrics, _ := annotations[metricsAnnotation].([]any)
	if target, ok := spec[targetUtilization]; ok {
		delete(spec, targetUtilization)
		metrics = append(metrics, map[string]any{"type": "Resource", "resource": map[string]any{
			"name": "cpu", "target": map[string]any{"type": "Utilization", "averageUtilization": target},
		}})
	}
	if len(metrics) > 0 {
		spec["metrics"] = metrics
	}
	if behavior, ok := annotations[behaviorAnnotation]; ok {
		spec["behavior"] = behavior
	}
	delete(annotations, metricsAnnotation)
	delete(annotations, behaviorAnnotation)
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
	return v1
}

const targetUtilization = "targetCPUUtilizationPercentage"

// autoscalerV1 does the opposite. Git has all metrics if it has any, so what
// they leave open in v1 is absent.
func autoscalerV1(v2 map[string]any) (_ map[string]any, ok bool) {
	spec := member(v2, "spec")
	behavior, hasBehavior := spec["behavior"]
	metrics, hasMetrics := spec["metrics"].([]any)
	delete(spec, "behavior")
	delete(spec, "metrics")
	if !hasBehavior && !hasMetrics {
		return v2, true
	}
	annotations := member(member(v2, "metadata"), "annotations")
	if hasBehavior {
		annotations[behaviorAnnotation] = behavior
	}
	if !hasMetrics {
		return v2, true
	}
	var others []any
	spec[targetUtilization], annotations[metricsAnnotation] = absent{}, absent{}
	for _, metric := range metrics {
		target, ok := processorUtilization(metric)
		if !ok {
			others = append(others, metric)
			annotations[metricsAnnotation] = others
			continue
		}
		if spec[targetUtilization] != any(absent{}) {
			return nil, false // v1 has one
		}
		spec[targetUtilization] = target
	}
	return v2, true
}

// processorUtilization is the metric that v1 has a field for.
func processorUtilization(metric any) (target any, ok bool) {
	m, _ := metric.(map[string]any)
	resource, _ := m["resource"].(map[string]any)
	if m["type"] != "Resource" || resource["name"] != "cpu" {
		return nil, false
	}
	aim, _ := resource["target"].(map[string]any)
	target, ok = aim["averageUtilization"]
	return target, ok
}

// member returns a map's member that is a map, made if it isn't there.
func member(object map[string]any, name string) map[string]any {
	m, ok := object[name].(map[string]any)
	if !ok {
		m = map[string]any{}
		object[name] = m
	}
	return m
}
