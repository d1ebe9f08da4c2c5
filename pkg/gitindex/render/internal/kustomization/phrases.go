package kustomization

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/resid"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/manifest"
)

// phrase is something that Kustomize says, and what is meant by it. explain
// gets what the pattern's groups found; it returns nil if it knows no better.
type phrase struct {
	pattern *regexp.Regexp
	explain func(t *Tree, l *Layer, found []string) *gitindex.RenderError
}

var phrases = []phrase{
	{regexp.MustCompile(`no matches for Id (\S+); failed to find unique target for patch`), noPatchTarget},
	{regexp.MustCompile(`already registered id: (\S+)`), twice},
	{regexp.MustCompile(`^must specify a target for JSON patch \[(path|patch): (".*")\]`), noJSONTarget},
	{regexp.MustCompile(`^unable to parse SM or JSON patch from \[(path|patch): (".*")\]`), noPatch},
	{regexp.MustCompile(`operation does not apply: .*?: (/\S*?): `), badOperation},
	{regexp.MustCompile(`^resource with name (\S+) does not match a config`), noReplicas},
	{regexp.MustCompile(`^nothing selected by ([^:\s]+)`), noSource},
	{regexp.MustCompile(`unable to find (?:or create )?field "(.*?)" in replacement target`), noField},
	{regexp.MustCompile(`Kind:"(\w+)".*? Name:"([^"]*)".* does not exist; cannot merge or replace`), noMerge},
	{regexp.MustCompile(`Kind:"(\w+)".*? Name:"([^"]*)".* exists; `), generatedTwice},
	{regexp.MustCompile(`^(namespace) transformation produces ID conflict: .*?"kind":"(\w+)".*?"name":"([^"]*)"`), namespaceTwice},
	{regexp.MustCompile(`^(multiple) matches for Id (\S+); failed to find unique target`), ambiguous},
	{regexp.MustCompile(`^Multiple Strategic-Merge Patches.*: \[(path|patch): (".*")\]`), severalWithTarget},
	{regexp.MustCompile(`^invalid schema file: `), badSchema},
	{regexp.MustCompile(`json: unknown field "(.*?)"`), badConfiguration},
	{regexp.MustCompile(`invalid literal source`), badLiteral},
	{regexp.MustCompile(`has invalid utf8 bytes`), noText},
	{regexp.MustCompile("^configmap (\\S+) illegally repeats the key `(.*)`"), keyTwice},
	{regexp.MustCompile(`^var '\{(\S+) .*cannot be mapped to a field`), badVar},
	{regexp.MustCompile(`^missing Resource metadata`), noObject},
	{regexp.MustCompile(`unsupported type: map\[interface`), keysNoText},
	{regexp.MustCompile(`^missing (metadata\.name|kind) in object \{\{(\S*) (\S*)\}`), incomplete},
}

func fault(file string, line int, format string, args ...any) *gitindex.RenderError {
	return &gitindex.RenderError{File: file, Line: line, Err: fmt.Errorf(format, args...)}
}

func named(id resid.ResId) string {
	if id.Namespace != "" {
		return id.Kind + " " + id.Namespace + "/" + id.Name
	}
	return id.Kind + " " + id.Name
}

func noPatchTarget(t *Tree, l *Layer, found []string) *gitindex.RenderError {
	id := resid.FromString(found[0])
	at, in := fault(l.File, 0, ""), l
	t.Each(func(l *Layer) {
		for _, patch := range slices.Concat(t.StrategicPatches(l), t.Patches(l, l.Spec.Patches)) {
			for _, d := range patch.Documents {
				if at.Line == 0 && isNamed(d, id.Kind, id.Name) {
					at, in = fault(patch.File, d.Line, ""), l
				}
			}
		}
	})
	hint := "none is there"
	if others := t.names(id.Kind); len(others) > 0 {
		hint = "there is " + strings.Join(others, ", ")
	}
	at.Err = fmt.Errorf("%s, which this patches, is none of the resources of %s, and of that kind %s: correct its name, namespace or apiVersion",
		named(id), in.File, hint)
	return at
}

func isNamed(d manifest.Document, kind, name string) bool {
	return manifest.Text(d.Node, "kind") == kind && manifest.Text(d.Node, "metadata", "name") == name
}

// names lists the objects of a kind that the tree's files hold.
func (t *Tree) names(kind string) []string {
	var all []string
	t.documents(func(d manifest.Document) {
		if manifest.Text(d.Node, "kind") == kind && len(all) < 5 {
			all = append(all, manifest.Text(d.Node, "metadata", "name"))
		}
	})
	return slices.Compact(all)
}

func (t *Tree) documents(f func(manifest.Document)) {
	t.Each(func(l *Layer) {
		for _, part := range l.Resources {
			for _, d := range part.Documents {
				f(d)
			}
		}
	})
}

func twice(t *Tree, l *Layer, found []string) *gitindex.RenderError {
	id := resid.FromString(found[0])
	var places []manifest.Document
	t.documents(func(d manifest.Document) {
		if isNamed(d, id.Kind, id.Name) {
			places = append(places, d)
		}
	})
	if len(places) < 2 {
		return fault(l.File, 0, "%s comes out twice: take in its base once, or set different namePrefix or namespace", named(id))
	}
	first, second := places[0], places[len(places)-1]
	return fault(second.File, second.Line, "%s is declared here and in %s:%d: remove one of them", named(id), first.File, first.Line)
}

func namespaceTwice(t *Tree, l *Layer, found []string) *gitindex.RenderError {
	return fault(l.File, l.lineOfKey("namespace"), "namespace puts two objects into one place: %s %s", found[1], found[2])
}

func noReplicas(t *Tree, l *Layer, found []string) *gitindex.RenderError {
	return fault(l.File, l.lineOfKey("replicas"), "replicas names %s, but no Deployment, StatefulSet, ReplicaSet or ReplicationController has that name", found[0])
}

func noSource(t *Tree, l *Layer, found []string) *gitindex.RenderError {
	return fault(l.File, l.lineOfKey("replacements"), "replacements takes a value from %s, which is none of the resources", named(resid.FromString(found[0])))
}

func noField(t *Tree, l *Layer, found []string) *gitindex.RenderError {
	return fault(l.File, max(l.lineOf(found[0]), l.lineOfKey("replacements")), "replacements sets %s, but the object has no such field: add it, or the option create", found[0])
}
