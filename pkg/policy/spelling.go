package policy

import (
	"bytes"
	"strings"
)

// Few objects have the labels and annotations that rules look for, and to read
// an object takes longer than to see that they can't be in it. JSON has several
// spellings of a text: a letter may be \u0061, a slash \/. No other escape means
// either of them. So where there is none of these, a text of letters, digits,
// dots, dashes and slashes is spelt as it is.

// mayHave reports whether an object in JSON may have a key or a value that begins
// with a text of such characters. False is certain.
func mayHave(object []byte, text string) bool {
	return bytes.Contains(object, []byte(text)) || respells(object)
}

// mayName reports the same of a key that json.Unmarshal takes for the field of
// that name, in whatever case it is written. The name has a slash.
func mayName(object []byte, name string) bool {
	if respells(object) || bytes.Contains(object, []byte("ſ")) || bytes.Contains(object, []byte("\u212a")) {
		return true // these two are s and k in another case
	}
	slash := strings.IndexByte(name, '/')
	for start := 0; ; {
		i := bytes.IndexByte(object[start:], '/')
		if i < 0 {
			return false
		}
		start += i + 1
		from, to := start-1-slash, start-1-slash+len(name)
		if from >= 0 && to <= len(object) && bytes.EqualFold(object[from:to], []byte(name)) {
			return true
		}
	}
}

// respells reports whether JSON has an escape by which it may spell a letter or
// a slash.
func respells(json []byte) bool {
	for {
		i := bytes.IndexByte(json, '\\')
		if i < 0 || i+1 == len(json) {
			return false
		}
		if c := json[i+1]; c == 'u' || c == '/' {
			return true
		}
		json = json[i+2:]
	}
}
