// Package sops decrypts what SOPS encrypted for an age or an OpenPGP key, as
// Flux does it: values by the path that they are at, and without a look at the
// MAC of the whole, since Kustomize changes files before they are decrypted.
//
// SOPS's own library isn't used: it brings the clients of every cloud's key
// service along.
package sops

import (
	"bytes"
	"strings"
)

// Format is how a file is written.
type Format string

// The formats. A binary file is the one value of a JSON file.
const (
	Binary Format = "binary"
	Dotenv Format = "dotenv"
	INI    Format = "INI"
	JSON   Format = "JSON"
	YAML   Format = "YAML"
)

// FormatOf is the format that a file's name, or its key in a Secret, stands for.
func FormatOf(name string) Format {
	switch {
	case strings.HasSuffix(name, ".yaml"), strings.HasSuffix(name, ".yml"):
		return YAML
	case strings.HasSuffix(name, ".json"), strings.HasSuffix(name, ".dockerconfigjson"):
		return JSON
	case strings.HasSuffix(name, ".env"):
		return Dotenv
	case strings.HasSuffix(name, ".ini"):
		return INI
	}
	return Binary
}

// markers are what Flux looks for in the files of a format.
var markers = []struct {
	format Format
	text   []byte
}{
	{JSON, []byte(`"mac": "ENC[`)},
	{Binary, []byte(`"mac": "ENC[`)},
	{YAML, []byte("mac: ENC[")},
	{Dotenv, []byte("sops_mac=ENC[")},
	{INI, []byte("[sops]")},
}

// Marked reports whether a file of a format is one that Flux takes for
// encrypted.
func Marked(data []byte, format Format) bool {
	for _, m := range markers {
		if m.format == format {
			return bytes.Contains(data, m.text)
		}
	}
	return false
}

// Detect returns the format of encrypted data, or false if it isn't encrypted.
func Detect(data []byte) (Format, bool) {
	for _, m := range markers {
		if bytes.Contains(data, m.text) {
			return m.format, true
		}
	}
	return "", false
}
