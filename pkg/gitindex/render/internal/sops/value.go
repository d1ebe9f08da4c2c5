package sops

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var encrypted = regexp.MustCompile(`^ENC\[AES256_GCM,data:(.+),iv:(.+),tag:(.+),type:(.+)\]`)

var (
	errForm = errors.New("a value in it that SOPS should have encrypted isn't encrypted (not shown)")
	errOpen = errors.New("a value in it can't be decrypted: it was changed, or moved to another field")
)

// open decrypts a value that is at a path.
func open(text string, key []byte, path []string) (any, error) {
	if text == "" {
		return "", nil
	}
	parts := encrypted.FindStringSubmatch(text)
	if parts == nil {
		return nil, errForm
	}
	var raw [3][]byte
	for i := range raw {
		var err error
		if raw[i], err = base64.StdEncoding.DecodeString(parts[i+1]); err != nil {
			return nil, errForm
		}
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, errNoKey
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, len(raw[1]))
	if err != nil {
		return nil, errForm
	}
	plain, err := gcm.Open(nil, raw[1], append(raw[0], raw[2]...), []byte(strings.Join(path, ":")+":"))
	if err != nil {
		return nil, errOpen
	}
	return typed(string(plain), parts[4])
}

func typed(text, kind string) (value any, err error) {
	switch kind {
	case "str":
		return text, nil
	case "int":
		value, err = strconv.Atoi(text)
	case "float":
		value, err = strconv.ParseFloat(text, 64)
	case "bool":
		value, err = strconv.ParseBool(text)
	case "bytes":
		return []byte(text), nil
	case "time":
		var at time.Time
		err = at.UnmarshalText([]byte(text))
		value = at
	case "comment":
		return comment{text: text}, nil
	default:
		err = errForm
	}
	if err != nil {
		return nil, errForm // the error would quote the value
	}
	return value, nil
}
