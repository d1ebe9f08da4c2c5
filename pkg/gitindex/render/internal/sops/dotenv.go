package sops

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// metadataPrefix is what SOPS's own lines in a dotenv file begin with.
const metadataPrefix = "sops_"

func readDotenv(data []byte) (mapping, error) {
	var m mapping
	for line := range strings.SplitSeq(string(data), "\n") {
		if line == "" {
			continue
		}
		if text, ok := strings.CutPrefix(line, "#"); ok {
			m = append(m, field{key: comment{text: text}})
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, errUnread
		}
		m = append(m, field{name, strings.ReplaceAll(value, `\n`, "\n")})
	}
	return m, nil
}

// flatMetadata takes SOPS's own lines out of a dotenv file: their names are the
// paths of what they hold, such as sops_age__list_0__map_enc.
func flatMetadata(m mapping) (rest mapping, metadata map[string]any) {
	metadata = map[string]any{}
	keys := map[string]map[int]map[string]any{}
	for _, f := range m {
		name, _ := f.key.(string)
		name, ok := strings.CutPrefix(name, metadataPrefix)
		if !ok {
			rest = append(rest, f)
			continue
		}
		kind, item, ok := strings.Cut(name, "__list_")
		index, member, below := strings.Cut(item, "__map_")
		if !ok {
			metadata[name] = f.value
		} else if i, err := strconv.Atoi(index); below && err == nil {
			if keys[kind] == nil {
				keys[kind] = map[int]map[string]any{}
			}
			if keys[kind][i] == nil {
				keys[kind][i] = map[string]any{}
			}
			keys[kind][i][member] = f.value
		}
	}
	for kind, items := range keys {
		var list []any
		for _, item := range items {
			list = append(list, item)
		}
		metadata[kind] = list
	}
	return rest, metadata
}

func writeDotenv(m mapping) ([]byte, error) {
	var b bytes.Buffer
	for _, f := range m {
		if c, ok := f.key.(comment); ok {
			fmt.Fprintf(&b, "#%s\n", c.text)
			continue
		}
		value, err := word(f.value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s=%s\n", f.key, value)
	}
	return b.Bytes(), nil
}

// word is a value in a dotenv file.
func word(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return strings.ReplaceAll(v, "\n", `\n`), nil
	case float64:
		text := strconv.FormatFloat(v, 'G', -1, 64)
		if !strings.ContainsAny(text, ".E") {
			text = strconv.FormatFloat(v, 'f', 1, 64)
		}
		return text, nil
	case time.Time:
		return v.Format(time.RFC3339), nil
	case mapping, []any:
		return "", errUnread
	}
	return fmt.Sprintf("%v", value), nil
}

// WithoutMetadata is an encrypted dotenv file without SOPS's own lines: it has
// the names that the decrypted one has.
func WithoutMetadata(data []byte) []byte {
	var b bytes.Buffer
	for line := range bytes.Lines(data) {
		if !bytes.HasPrefix(line, []byte(metadataPrefix)) {
			b.Write(line)
		}
	}
	return b.Bytes()
}
