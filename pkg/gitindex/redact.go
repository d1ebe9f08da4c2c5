package gitindex

import (
	"path/filepath"
	"strings"
)

// Redact returns a repository's URL as it may be shown to anyone: without
// password, query and fragment, and without the user name where that may be a
// token (everywhere but with SSH). It takes any string, well formed or not.
func Redact(raw string) string {
	if filepath.IsAbs(raw) {
		return raw
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		if at := strings.LastIndexByte(raw, '@'); at >= 0 && strings.Contains(raw[:at], ":") {
			return raw[at+1:]
		}
		return raw
	}
	scheme = strings.ToLower(scheme)
	if scheme == "file" {
		return raw
	}
	// A password may hold unescaped characters that end the authority for a
	// parser, so everything up to the last @ goes, wherever that is.
	user := ""
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		if strings.Contains(scheme, "ssh") {
			user, _, _ = strings.Cut(rest[:at], ":")
			user += "@"
		}
		rest = rest[at+1:]
	}
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end]
	}
	return scheme + "://" + user + rest
}
