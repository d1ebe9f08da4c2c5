package gitindex

import "strings"

// texts holds equal text once, and apart from what it was read from: a name of a
// few bytes would keep a page in use that was rendering's otherwise.
type texts map[string]string

func (t texts) held(text string) string {
	if held, ok := t[text]; ok {
		return held
	}
	held := strings.Clone(text)
	t[held] = held
	return held
}

// shareText has a location's objects share the text that names them.
func shareText(objects []Declared) {
	t := texts{}
	for i := range objects {
		d := &objects[i]
		for _, text := range []*string{&d.Key.Group, &d.Key.Kind, &d.Key.Namespace, &d.Key.Name, &d.APIVersion, &d.Origin.File} {
			*text = t.held(*text)
		}
	}
}
