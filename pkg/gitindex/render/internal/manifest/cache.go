package manifest

import (
	"path"
	"slices"
)

const (
	// maxCached is how much text a Cache has, in bytes; what is made of it may
	// take a hundred times as much.
	maxCached = 256 << 10

	// maxCachedFile is how large a file in it may be.
	maxCachedFile = 32 << 10
)

// Cache has documents of files that were read, by their content: what many
// locations take in is read once. Nobody may change their nodes. It is not for
// use by several goroutines at a time; nil has nothing, and keeps nothing.
type Cache struct {
	known map[cached][]Document
	size  int
}

type cached struct {
	json bool
	text string
}

// Documents is the function of that name.
func (c *Cache) Documents(file string, data []byte) ([]Document, error) {
	if c == nil || len(data) > maxCachedFile {
		return Documents(file, data)
	}
	key := cached{path.Ext(file) == ".json", string(data)}
	if known, ok := c.known[key]; ok {
		documents := slices.Clone(known)
		for i := range documents {
			documents[i].File = file
		}
		return documents, nil
	}
	documents, err := Documents(file, data)
	if err != nil {
		return documents, err // it names the file
	}
	if c.size += len(data); c.known == nil || c.size > maxCached {
		c.known, c.size = map[cached][]Document{}, len(data)
	}
	c.known[key] = documents
	return documents, nil
}
