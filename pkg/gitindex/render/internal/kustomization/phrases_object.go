package kustomization

import (
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

func incomplete(t *Tree, l *Layer, found []string) *gitindex.RenderError {
	field := found[0]
	var at *gitindex.RenderError
	t.documents(func(d manifest.Document) {
		if at == nil && d.Node != nil && manifest.Text(d.Node, strings.Split(field, ".")...) == "" {
			at = fault(d.File, d.Line, "the object has no %s: give it one", field)
		}
	})
	return at
}

func keysNoText(t *Tree, l *Layer, _ []string) *gitindex.RenderError {
	return fault(l.File, 0, "a map in an object has keys that are no text: put keys such as 1, n, on or yes in quotes")
}

func noObject(t *Tree, _ *Layer, _ []string) *gitindex.RenderError {
	var at *gitindex.RenderError
	t.documents(func(d manifest.Document) {
		if at == nil && d.Node != nil && (d.Node.Kind != yaml.MappingNode || manifest.Lookup(d.Node, "metadata") == nil) {
			at = fault(d.File, d.Line, "this is no Kubernetes object: take it out of the resources")
		}
	})
	return at
}

func badSchema(_ *Tree, l *Layer, _ []string) *gitindex.RenderError {
	return fault(l.File, l.lineOfKey("openapi"), "the file that openapi names is no OpenAPI document of definitions")
}

func badConfiguration(t *Tree, _ *Layer, found []string) *gitindex.RenderError {
	var at *gitindex.RenderError
	t.Each(func(l *Layer) {
		for _, entry := range l.Spec.Configurations {
			file, documents := t.Read(l, entry)
			for _, d := range documents {
				if key := findKey(d.Node, found[0]); key != nil && at == nil {
					at = fault(file, key.Line, "Kustomize knows no field %s in a configuration", found[0])
				}
			}
		}
	})
	return at
}

func badVar(t *Tree, l *Layer, found []string) *gitindex.RenderError {
	return fault(l.File, l.lineOf(found[0]), "the var %s takes its value from an object that is none of the resources", found[0])
}

func ambiguous(t *Tree, l *Layer, found []string) *gitindex.RenderError {
	return fault(l.File, l.lineOfKey("patches"), "a patch of %s fits several objects: give it a target", named(resid.FromString(found[1])))
}
