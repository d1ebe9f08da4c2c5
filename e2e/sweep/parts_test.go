package sweep

import "reflect"

// partOf reports whether a value is another one, or what is left of it when
// members go.
func partOf(value, whole any) bool {
	v, ok := value.(map[string]any)
	w, okWhole := whole.(map[string]any)
	if !ok || !okWhole {
		return partOfList(value, whole) || reflect.DeepEqual(value, whole)
	}
	for name, member := range v {
		if !partOf(member, w[name]) {
			return false
		}
	}
	return true
}

func partOfList(value, whole any) bool {
	v, ok := value.([]any)
	w, okWhole := whole.([]any)
	if !ok || !okWhole || len(v) != len(w) {
		return false
	}
	for i := range v {
		if !partOf(v[i], w[i]) {
			return false
		}
	}
	return true
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return value == nil || reflect.ValueOf(value).IsZero()
}
