package chart

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

// standIns take the place of chance and of the clock in one of two renderings,
// so that whatever is made of them differs in the other, and nothing else does.
// What makes keys and salts differs by itself.
type standIns struct {
	which int // 0 or 1
	now   time.Time
}

func standInsOf(which int) standIns {
	now := time.Now()
	if which == 1 {
		// Each part of a date is another one.
		now = now.AddDate(1, 1, 1).Add(time.Hour + time.Minute + time.Second + time.Microsecond)
	}
	return standIns{which, now}
}

func (s standIns) functions() template.FuncMap {
	inZone := sprig.TxtFuncMap()["dateInZone"].(func(string, any, string) string)
	return template.FuncMap{
		"randAlphaNum": s.text("aB1", "bC2"),
		"randAlpha":    s.text("aB", "bC"),
		"randNumeric":  s.text("1", "2"),
		"randAscii":    s.text("aB1", "bC2"),
		"randBytes":    s.bytes,
		"randInt":      s.number,
		"uuidv4":       s.uuid,
		"shuffle":      s.shuffle,

		"now":            func() time.Time { return s.now },
		"ago":            s.ago,
		"date":           func(format string, at any) string { return inZone(format, s.time(at), "Local") },
		"dateInZone":     func(format string, at any, zone string) string { return inZone(format, s.time(at), zone) },
		"date_in_zone":   func(format string, at any, zone string) string { return inZone(format, s.time(at), zone) },
		"htmlDate":       func(at any) string { return inZone(time.DateOnly, s.time(at), "Local") },
		"htmlDateInZone": func(at any, zone string) string { return inZone(time.DateOnly, s.time(at), zone) },
	}
}

// text returns a function that makes text of a length.
func (s standIns) text(patterns ...string) func(int) (string, error) {
	pattern := patterns[s.which]
	return func(length int) (string, error) {
		if length < 0 {
			return "", errors.New("the length is negative")
		}
		return strings.Repeat(pattern, length/len(pattern)+1)[:length], nil
	}
}

func (s standIns) bytes(length int) (string, error) {
	if length < 0 {
		return "", errors.New("the length is negative")
	}
	return base64.StdEncoding.EncodeToString(slices.Repeat([]byte{byte(0xA5 + s.which)}, length)), nil
}

func (s standIns) number(from, to int) (int, error) {
	switch {
	case from >= to:
		return 0, fmt.Errorf("there is no number from %d to below %d", from, to)
	case s.which == 1:
		return to - 1, nil
	}
	return from, nil
}

func (s standIns) uuid() string {
	return fmt.Sprintf("00000000-0000-4000-8000-00000000000%d", s.which+1)
}

func (s standIns) shuffle(text string) string {
	letters := []rune(text)
	if s.which == 1 {
		slices.Reverse(letters)
	}
	return string(letters)
}

// time is what the template names, or now for what is no time.
func (s standIns) time(at any) any {
	switch at.(type) {
	case time.Time, *time.Time, int64, int, int32:
		return at
	}
	return s.now
}

func (s standIns) ago(at any) string {
	from := s.now
	switch at := at.(type) {
	case time.Time:
		from = at
	case int64:
		from = time.Unix(at, 0)
	case int:
		from = time.Unix(int64(at), 0)
	}
	return s.now.Sub(from).Round(time.Second).String()
}
