package kustomization

import (
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/api/types"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// eachGenerator calls f for the generators of ConfigMaps and Secrets.
func (t *Tree) eachGenerator(f func(*Layer, types.GeneratorArgs)) {
	t.Each(func(l *Layer) {
		for _, g := range l.Spec.ConfigMapGenerator {
			f(l, g.GeneratorArgs)
		}
		for _, g := range l.Spec.SecretGenerator {
			f(l, g.GeneratorArgs)
		}
	})
}

// badLiteral does not repeat the literal: it may be a secret.
func badLiteral(t *Tree, _ *Layer, _ []string) *gitindex.RenderError {
	var at *gitindex.RenderError
	t.eachGenerator(func(l *Layer, g types.GeneratorArgs) {
		for _, literal := range g.LiteralSources {
			if at == nil && strings.IndexByte(literal, '=') <= 0 {
				at = fault(l.File, l.lineOf(literal), "the literal is not of the form key=value")
			}
		}
	})
	return at
}

func noText(t *Tree, _ *Layer, _ []string) *gitindex.RenderError {
	var at *gitindex.RenderError
	t.eachGenerator(func(l *Layer, g types.GeneratorArgs) {
		for _, entry := range slices.Concat(g.EnvSources, []string{g.EnvSource}) {
			file := l.below(entry)
			data, err := fs.ReadFile(t.Files, file)
			if entry == "" || err != nil {
				continue
			}
			line := 0
			for text := range strings.Lines(string(data)) {
				line++
				if at == nil && !utf8.ValidString(text) {
					at = fault(file, line, "the line is no UTF-8 text")
				}
			}
		}
	})
	return at
}

func keyTwice(_ *Tree, l *Layer, found []string) *gitindex.RenderError {
	return fault(l.File, l.lineOf(found[0]), "the generator of %s makes the key %s twice", found[0], found[1])
}

func noMerge(t *Tree, l *Layer, found []string) *gitindex.RenderError {
	return fault(l.File, l.lineOf(found[1]), "%s %s can't be merged or replaced: nothing that is taken in makes one", found[0], found[1])
}

func generatedTwice(t *Tree, l *Layer, found []string) *gitindex.RenderError {
	return fault(l.File, l.lineOf(found[1]), "%s %s exists already: give it another name, or behavior merge or replace", found[0], found[1])
}
