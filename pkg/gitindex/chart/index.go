package chart

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/yaml"
)

// entry is what an index says of one version of a chart.
type entry struct {
	Version string   `json:"version"`
	Digest  string   `json:"digest"`
	URLs    []string `json:"urls"`
}

// digest is its SHA-256, if the index names one.
func (e entry) digest() string {
	digest := strings.ToLower(strings.TrimPrefix(e.Digest, "sha256:"))
	if !digestLike.MatchString(digest) {
		return ""
	}
	return digest
}

// readIndex reads the entries of one chart. An index may have tens of megabytes
// of others, which would come to many times that in memory, so the part about
// the chart is cut out before it is parsed. It may have so many bytes.
func readIndex(from io.Reader, chart string, most int64) ([]entry, error) {
	lines := bufio.NewReaderSize(from, 64<<10)
	var part []byte
	var err error
	if first, peeked := lines.Peek(1); peeked == nil && first[0] == '{' {
		part, err = jsonPart(&bounded{lines, most, "the index, which is JSON,"}, chart)
	} else {
		part, err = yamlPart(lines, chart, most)
	}
	if err != nil {
		return nil, err
	}
	var entries map[string][]entry
	if err := yaml.Unmarshal(part, &entries); err != nil {
		return nil, fmt.Errorf("what the index says of the chart can't be read: %w", err)
	}
	return entries[chart], nil
}

var (
	errNoIndex = errors.New("there is no index of charts, but something else")
	errNoChart = errors.New("the index doesn't have the chart")
)

func jsonPart(from io.Reader, chart string) ([]byte, error) {
	var index struct {
		Entries map[string]json.RawMessage `json:"entries"`
	}
	decoder := json.NewDecoder(from)
	if err := decoder.Decode(&index); err != nil {
		return nil, fmt.Errorf("the index can't be read: %w", err)
	}
	if index.Entries == nil {
		return nil, errNoIndex
	}
	part, ok := index.Entries[chart]
	if !ok {
		return nil, errNoChart
	}
	return json.Marshal(map[string]json.RawMessage{chart: part})
}

// yamlPart finds a chart's key and value in the mapping that is called entries
// by how far their lines are indented. What is nested in it is indented further, but for
// the dashes of a list.
func yamlPart(lines *bufio.Reader, chart string, most int64) ([]byte, error) {
	var part bytes.Buffer
	inside, found, indent := false, false, -1
	for {
		line, err := lines.ReadBytes('\n')
		text := strings.TrimRight(string(line), " \r\n\t")
		body := strings.TrimLeft(text, " ")
		at := len(text) - len(body)
		switch {
		case body == "" || strings.HasPrefix(body, "#"):
			if found {
				part.Write(line)
			}
		case !inside:
			inside = strings.HasPrefix(text, "entries:")
		case indent < 0 && at > 0:
			indent = at
			fallthrough
		case at == indent && !strings.HasPrefix(body, "- ") && body != "-":
			if found {
				return part.Bytes(), nil
			}
			found = keyOf(body) == chart
			if found {
				part.Write(line)
			}
		case at == 0 || at < indent:
			if found {
				return part.Bytes(), nil
			}
			return nil, errNoChart
		case found:
			part.Write(line)
		}
		if int64(part.Len()) > most {
			return nil, errors.New("what the index says of the chart is larger than is read of one")
		}
		switch {
		case errors.Is(err, io.EOF) && found:
			return part.Bytes(), nil
		case errors.Is(err, io.EOF) && inside:
			return nil, errNoChart
		case errors.Is(err, io.EOF):
			return nil, errNoIndex
		case err != nil:
			return nil, err
		}
	}
}

// keyOf is the key of a line such as redis: or "redis": [].
func keyOf(line string) string {
	var pair map[string]any
	if yaml.Unmarshal([]byte(line), &pair) != nil {
		return ""
	}
	for key := range pair {
		return key
	}
	return ""
}
