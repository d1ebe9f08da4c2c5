package fields

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// hiddenIn are the steps of the fields whose values must not be shown.
func hiddenIn(u *Update) [][]string {
	hidden := make([][]string, 0, len(u.Hidden))
	for _, field := range u.Hidden {
		hidden = append(hidden, steps(field, u.Type))
	}
	return hidden
}

// mute is an error that doesn't quote what must not be shown.
func (u *Update) mute(err error) error {
	if len(u.Hidden) > 0 {
		return errors.New("a value in it doesn't fit its field (not shown)")
	}
	return err
}

// cover reports whether a value at path must not be shown: it is a hidden field,
// in one, or has one in it. Names and keys inside a hidden field aren't shown
// either: the path is then that of the field.
func (w *walk) cover(path string) (covered string, hidden bool) {
	if len(w.hidden) == 0 {
		return path, false
	}
	place := gitindex.SplitPath(path)
	for _, field := range w.hidden {
		if !touches(field, place) {
			continue
		}
		hidden = true
		if len(field) < len(place) {
			place = place[:len(field)]
		}
	}
	if !hidden {
		return path, false
	}
	return joined(place), true
}

// joined is the path of steps.
func joined(steps []string) string {
	path := strings.Join(steps, ".")
	return strings.ReplaceAll(path, ".[", "[")
}

// touches reports whether one of two places is the other, or in it. Where one
// names an item by its keys and the other doesn't, they may be the same.
func touches(field, place []string) bool {
	for i := range min(len(field), len(place)) {
		if !mayBe(field[i], place[i]) {
			return false
		}
	}
	return true
}

func mayBe(field, place string) bool {
	if field == place || field == "[*]" {
		return true
	}
	if !strings.HasPrefix(field, "[") || !strings.HasPrefix(place, "[") {
		return false
	}
	field, place = strings.Trim(field, "[]"), strings.Trim(place, "[]")
	if isIndex(field) != isIndex(place) {
		return true
	}
	pairs := strings.Split(place, ",")
	return strings.Contains(field, "=") && !slices.ContainsFunc(strings.Split(field, ","), func(pair string) bool {
		return !slices.Contains(pairs, pair)
	})
}

func isIndex(selector string) bool {
	_, err := strconv.Atoi(selector)
	return err == nil
}
