package fields

import "strings"

// opaque is a value that Git holds encrypted. It equals nothing.
type opaque struct{}

// encrypted reports whether SOPS encrypted the object, or values in it.
func encrypted(object map[string]any) bool {
	_, ok := object["sops"].(map[string]any)
	return ok
}

// seal makes of an object that SOPS encrypted what is known of it decrypted:
// ciphertext is opaque, and SOPS's own part is gone. Values that SOPS left in
// the clear stay.
func seal(object map[string]any) {
	delete(object, "sops")
	hide(object)
}

func hide(value any) any {
	switch v := value.(type) {
	case string:
		if strings.HasPrefix(v, "ENC[") && strings.HasSuffix(v, "]") {
			return opaque{}
		}
	case map[string]any:
		for name, member := range v {
			v[name] = hide(member)
		}
	case []any:
		for i, item := range v {
			v[i] = hide(item)
		}
	}
	return value
}

// hides reports whether any of a declared value is opaque. Then its values in
// the cluster, which are the decrypted ones, must not be shown either.
func hides(git any) bool {
	switch g := git.(type) {
	case opaque:
		return true
	case map[string]any:
		for _, member := range g {
			if hides(member) {
				return true
			}
		}
	case []any:
		for _, item := range g {
			if hides(item) {
				return true
			}
		}
	}
	return false
}

// readable is an object that a Go type can read: without opaque members. In
// lists, which keep their length, empty text stands in their place.
func readable(object map[string]any) map[string]any {
	if !hides(object) {
		return object
	}
	return uncovered(object).(map[string]any)
}

func uncovered(value any) any {
	switch v := value.(type) {
	case opaque:
		return ""
	case map[string]any:
		members := make(map[string]any, len(v))
		for name, member := range v {
			if _, ok := member.(opaque); !ok {
				members[name] = uncovered(member)
			}
		}
		return members
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = uncovered(item)
		}
		return items
	}
	return value
}
