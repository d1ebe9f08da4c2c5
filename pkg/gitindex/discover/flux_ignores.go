package discover

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"

	"github.com/fluxcd/pkg/apis/kustomize"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// fluxIgnore is a rule of fields that Flux leaves alone.
type fluxIgnore struct {
	paths  []string
	target *kustomize.Selector
}

var errSelected = errors.New("it ignores fields of objects that it selects by their labels or annotations, which gitonly doesn't: name the objects")

// ignoresOf makes fields to ignore of rules. A target is a set of regular
// expressions; those that are more than text are looked up in the record.
func ignoresOf(rules []fluxIgnore, recorded []gitindex.Recorded) ([]gitindex.FieldIgnore, error) {
	var all []gitindex.FieldIgnore
	var faults []error
	for _, rule := range rules {
		found, err := rule.ignores(recorded)
		if err != nil {
			faults = append(faults, err)
		}
		all = append(all, found...)
	}
	return all, errors.Join(faults...)
}

func (r fluxIgnore) ignores(recorded []gitindex.Recorded) ([]gitindex.FieldIgnore, error) {
	t := r.target
	if t == nil {
		return []gitindex.FieldIgnore{{Group: "*", Kind: "*", Pointers: r.paths}}, nil
	}
	if t.LabelSelector != "" || t.AnnotationSelector != "" {
		return nil, errSelected
	}
	if plain(t.Group) && plain(t.Kind) && plain(t.Name) && plain(t.Namespace) {
		// An empty group of Flux is any.
		return []gitindex.FieldIgnore{{
			Group: cmp.Or(t.Group, "*"), Kind: cmp.Or(t.Kind, "*"),
			Namespace: t.Namespace, Name: t.Name, Pointers: r.paths,
		}}, nil
	}
	var matchers []func(gitindex.Key) bool
	for _, field := range []struct {
		pattern string
		of      func(gitindex.Key) string
	}{
		{t.Group, func(k gitindex.Key) string { return k.Group }},
		{t.Kind, func(k gitindex.Key) string { return k.Kind }},
		{t.Name, func(k gitindex.Key) string { return k.Name }},
		{t.Namespace, func(k gitindex.Key) string { return k.Namespace }},
	} {
		if field.pattern == "" {
			continue
		}
		expression, err := regexp.Compile("^(?:" + field.pattern + ")$")
		if err != nil {
			return nil, fmt.Errorf("the target of a rule to ignore fields is no regular expression: %w", err)
		}
		matchers = append(matchers, func(k gitindex.Key) bool { return expression.MatchString(field.of(k)) })
	}
	var all []gitindex.FieldIgnore
next:
	for _, object := range recorded {
		for _, matches := range matchers {
			if !matches(object.Key) {
				continue next
			}
		}
		key := object.Key
		all = append(all, gitindex.FieldIgnore{Group: key.Group, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name, Pointers: r.paths})
	}
	return all, nil
}

var plainText = regexp.MustCompile(`^[A-Za-z0-9.-]*$`)

// plain tells whether a pattern is matched by just one text. A dot is taken
// for one, as names are full of them.
func plain(pattern string) bool { return plainText.MatchString(pattern) }
