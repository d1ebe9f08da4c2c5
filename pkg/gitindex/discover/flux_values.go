package discover

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/Masterminds/semver/v3"
	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"helm.sh/helm/v4/pkg/strvals"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/yaml"
)

func isVersion(tag string) bool {
	_, err := semver.StrictNewVersion(tag)
	return err == nil
}

// values merges what a release refers to, in order, and what it says itself.
// Where Secrets are among that, concealed are the same values with others in
// the place of theirs.
func (f *fluxFinder) values(release *helmv2.HelmRelease) (values, concealed string, err error) {
	real, without := map[string]any{}, map[string]any{}
	secret := false
	for _, ref := range release.Spec.ValuesFrom {
		found, err := f.valuesOf(release.Namespace, ref)
		if err != nil {
			return "", "", fmt.Errorf("spec.valuesFrom names %s %s: %w", ref.Kind, ref.Name, err)
		}
		if found == nil {
			continue
		}
		secret = secret || ref.Kind == "Secret"
		if real, err = found.into(real, ref); err != nil {
			return "", "", fmt.Errorf("spec.valuesFrom names %s %s, key %s: %w", ref.Kind, ref.Name, ref.GetValuesKey(), err)
		}
		if ref.Kind == "Secret" {
			found = found.concealed(ref)
		}
		// Where the placeholders don't fit, all that is rendered is hidden.
		if other, err := found.into(without, ref); err == nil {
			without = other
		}
	}
	own := release.GetValues()
	if values, err = valuesText(mergeValues(real, own)); err != nil || !secret {
		return values, "", err
	}
	if concealed, err = valuesText(mergeValues(without, own)); concealed == values {
		concealed = "" // nothing of a Secret is left
	}
	return values, concealed, err
}

func valuesText(values map[string]any) (string, error) {
	if len(values) == 0 {
		return "", nil
	}
	text, err := yaml.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("encoding its values: %w", err)
	}
	return string(text), nil
}

// fluxValues is what one reference has: a file of values, or a single value.
type fluxValues []byte

// valuesOf reads a reference; nil without an error if it may be absent.
func (f *fluxFinder) valuesOf(namespace string, ref helmv2.ValuesReference) (fluxValues, error) {
	data, err := f.cluster.Data(f.ctx, ref.Kind, namespace, ref.Name)
	if apierrors.IsNotFound(err) && ref.Optional {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, has := data[ref.GetValuesKey()]
	if !has {
		return nil, fmt.Errorf("it has no key %s: add it, or correct the reference", ref.GetValuesKey())
	}
	return fluxValues(append([]byte{}, text...)), nil
}

// errValues keeps what is in the values out of messages.
var errValues = errors.New("it holds no values: it has to be a map in YAML, or fit spec.valuesFrom.targetPath")

func (v fluxValues) into(values map[string]any, ref helmv2.ValuesReference) (map[string]any, error) {
	if ref.TargetPath == "" {
		var more map[string]any
		if err := yaml.Unmarshal(v, &more); err != nil {
			return nil, errValues
		}
		return mergeValues(values, more), nil
	}
	set, text := strvals.ParseInto, string(v)
	switch {
	case ref.Literal:
		set = strvals.ParseLiteralInto
	case quoted(text, "'"), quoted(text, `"`):
		set, text = strvals.ParseIntoString, strings.Trim(text, `'"`)
	}
	if err := set(ref.TargetPath+"="+text, values); err != nil {
		return nil, errValues
	}
	return values, nil
}

func quoted(text, quote string) bool {
	return strings.HasPrefix(text, quote) && strings.HasSuffix(text, quote)
}

// mergeValues merges maps into one another, and of all else takes the second's.
func mergeValues(first, second map[string]any) map[string]any {
	all := maps.Clone(first)
	if all == nil {
		all = map[string]any{}
	}
	for name, value := range second {
		below, isMap := value.(map[string]any)
		under, has := all[name].(map[string]any)
		if isMap && has {
			value = mergeValues(under, below)
		}
		all[name] = value
	}
	return all
}

// concealed has other text and other numbers in the place of all there is.
func (v fluxValues) concealed(ref helmv2.ValuesReference) fluxValues {
	if ref.TargetPath != "" {
		return fluxValues(otherText)
	}
	var values map[string]any
	if yaml.Unmarshal(v, &values) != nil {
		return v
	}
	encoded, err := json.Marshal(otherThan(values))
	if err != nil {
		return nil
	}
	return encoded
}

const otherText = "withheld-zq7"

// otherThan leaves true, false and nothing as they are: they choose what is
// rendered at all.
func otherThan(value any) any {
	switch v := value.(type) {
	case string:
		return otherText
	case float64:
		return v + 1
	case map[string]any:
		other := make(map[string]any, len(v))
		for name, member := range v {
			other[name] = otherThan(member)
		}
		return other
	case []any:
		other := make([]any, len(v))
		for i, item := range v {
			other[i] = otherThan(item)
		}
		return other
	}
	return value
}
