package sight

import (
	"regexp"
	"slices"
	"strings"
)

var (
	metricName = regexp.MustCompile(`\b(?:gitonly|controller_runtime)_[a-z_]+`)
	matchers   = regexp.MustCompile(`\{([^}]*)\}`)
	matcher    = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)`)
	grouping   = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
)

// targetLabels are those that Prometheus adds to what it reads.
var targetLabels = []string{"job", "instance", "namespace", "pod"}

// Unknown lists the metrics, and the labels, that a PromQL expression uses and
// that aren't documented.
func (documented Metrics) Unknown(expression string) []string {
	var unknown []string
	known := slices.Clone(targetLabels)
	for _, name := range metricName.FindAllString(expression, -1) {
		metric, ok := documented.behind(name)
		if !ok {
			unknown = append(unknown, name)
			continue
		}
		known = append(known, strings.Fields(metric.Labels)...)
		if metric.Type == "histogram" {
			known = append(known, "le")
		}
	}
	for _, label := range labelsIn(expression) {
		if !slices.Contains(known, label) {
			unknown = append(unknown, label)
		}
	}
	return unknown
}

// behind finds the metric that a series is of.
func (documented Metrics) behind(series string) (Metric, bool) {
	if metric, ok := documented[series]; ok {
		return metric, metric.Type == "gauge" || metric.Type == "counter"
	}
	for suffix, types := range map[string][]string{"_bucket": {"histogram"}, "_sum": {"histogram", "summary"}, "_count": {"histogram", "summary"}} {
		if name, ok := strings.CutSuffix(series, suffix); ok {
			metric := documented[name]
			return metric, slices.Contains(types, metric.Type)
		}
	}
	return Metric{}, false
}

// labelsIn are the labels that an expression selects or groups by.
func labelsIn(expression string) []string {
	var labels []string
	for _, braces := range matchers.FindAllStringSubmatch(expression, -1) {
		for _, found := range matcher.FindAllStringSubmatch(braces[1], -1) {
			labels = append(labels, found[1])
		}
	}
	for _, list := range grouping.FindAllStringSubmatch(expression, -1) {
		for _, label := range strings.Split(list[1], ",") {
			labels = append(labels, strings.TrimSpace(label))
		}
	}
	return labels
}
