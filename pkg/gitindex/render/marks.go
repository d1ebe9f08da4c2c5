package render

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
)

var (
	errLabels      = errors.New("metadata.labels has to be a map")
	errAnnotations = errors.New("metadata.annotations has to be a map")
)

// mark adds to an object what the agent adds. The namespace is the object's as
// it was rendered, which the tracking id has even of what is in none.
func (d *declarer) mark(o *object, metadata map[string]any, key gitindex.Key, namespace string) error {
	marks := d.at.Build.Marks
	if marks.SkipDefinitions && key.Kind == "CustomResourceDefinition" && key.Group == "apiextensions.k8s.io" {
		return nil
	}
	if !o.mark(metadata, "labels", marks.Labels) {
		return o.fault(errLabels)
	}
	annotations := marks.Annotations
	if marks.TrackingAnnotation != "" {
		if namespace == "" {
			namespace = d.at.Namespace
		}
		id := fmt.Sprintf("%s:%s/%s:%s/%s", marks.TrackingApplication, key.Group, key.Kind, namespace, key.Name)
		annotations = merged(annotations, map[string]string{marks.TrackingAnnotation: id})
	}
	if !o.mark(metadata, "annotations", annotations) {
		return o.fault(errAnnotations)
	}
	return nil
}

// mark sets entries of metadata, which no file does, and reports whether it
// could.
func (o *object) mark(metadata map[string]any, field string, entries map[string]string) bool {
	if len(entries) == 0 {
		return true
	}
	all, ok := metadata[field].(map[string]any)
	if !ok && metadata[field] != nil {
		return false
	}
	if all == nil {
		all = map[string]any{}
		metadata[field] = all
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		all[name] = entries[name]
		o.sets = append(o.sets, gitindex.FieldOrigin{Path: gitindex.AppendField("metadata."+field, name)})
	}
	return true
}

// What a label or an annotation of an object asks Flux's kustomize-controller.
const (
	fluxReconcile = "kustomize.toolkit.fluxcd.io/reconcile"
	fluxApply     = "kustomize.toolkit.fluxcd.io/ssa"
)

// applied tells whether the agent applies the object. Of what Flux only
// creates, and its status, nothing but the name is kept.
func (d *declarer) applied(o *object, metadata map[string]any) bool {
	if !d.at.Build.Flux || d.at.Build.Kustomize == nil || d.at.Render == gitindex.Helm {
		return true
	}
	if asks(metadata, fluxReconcile, "disabled") || asks(metadata, fluxApply, "Ignore") {
		return false
	}
	if kind, _ := text(o.fields, "kind"); kind != "CustomResourceDefinition" {
		delete(o.fields, "status")
	}
	if asks(metadata, fluxApply, "IfNotPresent") {
		maps.DeleteFunc(o.fields, func(name string, _ any) bool { return name != "apiVersion" && name != "kind" && name != "metadata" })
		maps.DeleteFunc(metadata, func(name string, _ any) bool { return name != "name" && name != "namespace" })
		o.sets, o.hidden = nil, nil
	}
	return true
}

// asks tells whether a label or an annotation has a value. Flux doesn't mind
// its case.
func asks(metadata map[string]any, name, value string) bool {
	for _, field := range []string{"labels", "annotations"} {
		entries, _ := metadata[field].(map[string]any)
		if s, _ := text(entries, name); strings.EqualFold(s, value) {
			return true
		}
	}
	return false
}
