package gitindex

import "strings"

// Field paths are written as people read them. A name follows a dot; a name
// that holds a dot or a slash, an item of a set, an index, and the keys of a
// list item stand in brackets:
//
//	spec.template.spec.containers[name=web].ports[containerPort=80,protocol=TCP]
//	metadata.labels[app.kubernetes.io/name]
//	spec.rules[0].host

// AppendField returns path extended by a field name.
func AppendField(path, name string) string {
	if strings.ContainsAny(name, "./[] ") || name == "" {
		return path + "[" + name + "]"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// AppendSelector returns path extended by a list item: an index, a set's
// value, or key=value pairs joined by commas.
func AppendSelector(path, selector string) string {
	return path + "[" + selector + "]"
}

// SplitPath returns the steps of a path: names, and selectors with their
// brackets.
func SplitPath(path string) []string {
	if path == "" {
		return nil
	}
	steps := make([]string, 0, 8)
	for path != "" {
		switch path[0] {
		case '.':
			path = path[1:]
		case '[':
			end := strings.IndexByte(path, ']')
			if end < 0 {
				return append(steps, path)
			}
			steps = append(steps, path[:end+1])
			path = path[end+1:]
		default:
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				return append(steps, path)
			}
			steps = append(steps, path[:end])
			path = path[end:]
		}
	}
	return steps
}

// Locate returns the place that sets the field at path: the last of the
// origin's Fields that sets it, something above it or something below it; the
// object's own file otherwise.
func (o *Origin) Locate(path string) (file string, line int) {
	steps := SplitPath(path)
	for i := len(o.Fields) - 1; i >= 0; i-- {
		if f := &o.Fields[i]; overlaps(SplitPath(f.Path), steps) {
			return f.File, f.Line
		}
	}
	return o.File, o.Line
}

func overlaps(a, b []string) bool {
	for i := range min(len(a), len(b)) {
		if !sameStep(a[i], b[i]) {
			return false
		}
	}
	return true
}

// sameStep compares two steps. A selector may name fewer keys than the other:
// a patch that says containerPort: 80 means the item
// [containerPort=80,protocol=TCP] too.
func sameStep(a, b string) bool {
	if a == b {
		return true
	}
	if !strings.HasPrefix(a, "[") || !strings.HasPrefix(b, "[") || !strings.Contains(a, "=") {
		return false
	}
	have := map[string]bool{}
	for pair := range strings.SplitSeq(strings.Trim(b, "[]"), ",") {
		have[pair] = true
	}
	for pair := range strings.SplitSeq(strings.Trim(a, "[]"), ",") {
		if !have[pair] {
			return false
		}
	}
	return true
}
