package sops

import (
	"encoding/json"
	"errors"
)

// maxFile is the size of the largest file that Flux decrypts.
const maxFile = 5 << 20

var (
	errINI   = errors.New("it is an INI file, which gitonly doesn't decrypt")
	errLarge = errors.New("it is larger than 5 MiB, which Flux doesn't decrypt")
	errOut   = errors.New("what it holds can't be written in the format that its name asks for")
)

// File decrypts a file of one format, and writes it in another. Errors show
// nothing of it.
func (k Keys) File(data []byte, in, out Format) ([]byte, error) {
	if len(data) > maxFile {
		return nil, errLarge
	}
	documents, metadata, err := read(data, in)
	if err != nil {
		return nil, err
	}
	if err := k.decrypt(documents, metadata); err != nil {
		return nil, err
	}
	return write(documents, out)
}

func read(data []byte, in Format) (documents []mapping, metadata map[string]any, err error) {
	switch in {
	case YAML:
		documents, err = readYAML(data)
	case JSON, Binary:
		var m mapping
		m, err = readJSON(data)
		documents = []mapping{m}
	case Dotenv:
		var m mapping
		m, err = readDotenv(data)
		m, metadata = flatMetadata(m)
		return []mapping{m}, metadata, err
	default:
		err = errINI
	}
	if err != nil {
		return nil, nil, err
	}
	for i := range documents {
		var found any
		documents[i], found = without(documents[i], "sops")
		if own, ok := found.(mapping); ok && i == 0 {
			metadata, _ = plain(own).(map[string]any)
		}
	}
	if metadata == nil {
		return nil, nil, errMetadata
	}
	return documents, metadata, nil
}

func without(m mapping, name string) (rest mapping, found any) {
	for _, f := range m {
		if f.key == any(name) {
			found = f.value
		} else {
			rest = append(rest, f)
		}
	}
	return rest, found
}

func (k Keys) decrypt(documents []mapping, metadata map[string]any) error {
	rules, err := rulesOf(metadata)
	if err != nil {
		return err
	}
	key, err := k.dataKey(metadata)
	if err != nil {
		return err
	}
	for i := range documents {
		if documents[i], err = (walk{rules, key}).mapping(documents[i], nil); err != nil {
			return err
		}
	}
	return nil
}

func write(documents []mapping, out Format) ([]byte, error) {
	switch {
	case out == YAML:
		return writeYAML(documents)
	case len(documents) == 0:
		return nil, errOut
	case out == JSON:
		return writeJSON(documents[0])
	case out == Dotenv:
		return writeDotenv(documents[0])
	case out == Binary && len(documents) == 1:
		_, value := without(documents[0], "data")
		if text, ok := value.(string); ok {
			return []byte(text), nil
		}
	}
	return nil, errOut
}

// Object decrypts an object, whose numbers are json.Number, and returns it
// without SOPS's own part.
func (k Keys) Object(object map[string]any) (map[string]any, error) {
	encoded, err := json.Marshal(object)
	if err != nil {
		return nil, errUnread
	}
	documents, metadata, err := read(encoded, JSON)
	if err != nil {
		return nil, err
	}
	if err := k.decrypt(documents, metadata); err != nil {
		return nil, err
	}
	text, err := writeJSON(documents[0])
	if err != nil {
		return nil, err
	}
	return decode(text)
}
