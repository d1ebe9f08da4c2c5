package fields

import (
	"encoding/json"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	kjson "k8s.io/apimachinery/pkg/util/json"
)

// readMetrics reads v1's annotation of metrics into v2's spelling; nil if it
// can't be read.
func readMetrics(text string) []any {
	var metrics []autoscalingv1.MetricSpec
	if json.Unmarshal([]byte(text), &metrics) != nil {
		return nil
	}
	read := make([]any, len(metrics))
	for i := range metrics {
		read[i] = plainJSON(metricV2(&metrics[i]))
	}
	return read
}

// metricV2 does what the API server does to a metric of v1: which target is
// meant is told by the values that are there.
func metricV2(v1 *autoscalingv1.MetricSpec) autoscalingv2.MetricSpec {
	v2 := autoscalingv2.MetricSpec{Type: autoscalingv2.MetricSourceType(v1.Type)}
	if s := v1.Resource; s != nil {
		v2.Resource = &autoscalingv2.ResourceMetricSource{Name: s.Name, Target: ofResource(s.TargetAverageUtilization, s.TargetAverageValue)}
	}
	if s := v1.ContainerResource; s != nil {
		v2.ContainerResource = &autoscalingv2.ContainerResourceMetricSource{
			Name: s.Name, Container: s.Container, Target: ofResource(s.TargetAverageUtilization, s.TargetAverageValue),
		}
	}
	if s := v1.Pods; s != nil {
		v2.Pods = &autoscalingv2.PodsMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: s.MetricName, Selector: s.Selector},
			Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &s.TargetAverageValue},
		}
	}
	if s := v1.External; s != nil {
		v2.External = &autoscalingv2.ExternalMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: s.MetricName, Selector: s.MetricSelector},
			Target: ofValue(s.TargetValue, s.TargetAverageValue, s.TargetValue == nil),
		}
	}
	if s := v1.Object; s != nil {
		v2.Object = &autoscalingv2.ObjectMetricSource{
			DescribedObject: autoscalingv2.CrossVersionObjectReference{Kind: s.Target.Kind, Name: s.Target.Name, APIVersion: s.Target.APIVersion},
			Metric:          autoscalingv2.MetricIdentifier{Name: s.MetricName, Selector: s.Selector},
			Target:          ofValue(&s.TargetValue, s.AverageValue, s.AverageValue != nil),
		}
		if s.AverageValue != nil && s.TargetValue.IsZero() {
			v2.Object.Target.Value = nil // v1 can't leave it out
		}
	}
	return v2
}

func ofResource(utilization *int32, average *resource.Quantity) autoscalingv2.MetricTarget {
	kind := autoscalingv2.UtilizationMetricType
	if utilization == nil {
		kind = autoscalingv2.AverageValueMetricType
	}
	return autoscalingv2.MetricTarget{Type: kind, AverageUtilization: utilization, AverageValue: average}
}

func ofValue(value, average *resource.Quantity, averaged bool) autoscalingv2.MetricTarget {
	kind := autoscalingv2.ValueMetricType
	if averaged {
		kind = autoscalingv2.AverageValueMetricType
	}
	return autoscalingv2.MetricTarget{Type: kind, Value: value, AverageValue: average}
}

// plainJSON is a Go value as decoding its JSON yields it; nil if it has none.
func plainJSON(value any) any {
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	var decoded any
	if kjson.Unmarshal(encoded, &decoded) != nil {
		return nil
	}
	return decoded
}
