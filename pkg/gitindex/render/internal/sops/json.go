package sops

import (
	"bytes"
	"encoding/json"
	"errors"
)

// maxDepth is deeper than any file goes that is meant.
const maxDepth = 500

func readJSON(data []byte) (mapping, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	value, err := jsonValue(decoder, 0)
	if err != nil {
		return nil, errUnread
	}
	m, ok := value.(mapping)
	if !ok {
		return nil, errUnread
	}
	return m, nil
}

var errDeep = errors.New("it goes too deep")

func jsonValue(decoder *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		m := mapping{}
		for decoder.More() {
			name, err := decoder.Token()
			if err != nil {
				return nil, err
			}
			value, err := jsonValue(decoder, depth+1)
			if err != nil {
				return nil, err
			}
			m = append(m, field{name, value})
		}
		_, err := decoder.Token()
		return m, err
	case json.Delim('['):
		list := []any{}
		for decoder.More() {
			value, err := jsonValue(decoder, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := decoder.Token()
		return list, err
	}
	if number, ok := token.(json.Number); ok {
		return numberOf(number)
	}
	return token, nil
}

func numberOf(number json.Number) (any, error) {
	if whole, err := number.Int64(); err == nil {
		return int(whole), nil
	}
	return number.Float64()
}

func writeJSON(m mapping) ([]byte, error) {
	var b bytes.Buffer
	if err := jsonMapping(&b, m); err != nil {
		return nil, errUnread
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, b.Bytes(), "", "\t"); err != nil {
		return nil, errUnread
	}
	indented.WriteByte('\n')
	return indented.Bytes(), nil
}

func jsonMapping(b *bytes.Buffer, m mapping) error {
	b.WriteByte('{')
	first := true
	for _, f := range m {
		name, ok := f.key.(string)
		if !ok {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		encoded, err := json.Marshal(name)
		if err != nil {
			return err
		}
		b.Write(encoded)
		b.WriteByte(':')
		if err := writeJSONValue(b, f.value); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

func writeJSONValue(b *bytes.Buffer, value any) error {
	switch v := value.(type) {
	case mapping:
		return jsonMapping(b, v)
	case []any:
		b.WriteByte('[')
		first := true
		for _, item := range v {
			if _, ok := item.(comment); ok {
				continue
			}
			if !first {
				b.WriteByte(',')
			}
			first = false
			if err := writeJSONValue(b, item); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	}
	encoded, err := json.Marshal(value)
	b.Write(encoded)
	return err
}

// decode reads an object with numbers as they are.
func decode(text []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, errUnread
	}
	return object, nil
}
