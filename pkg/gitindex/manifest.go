package gitindex

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"sync"
	"unsafe"
)

// Manifest is an object's JSON, compact, keys sorted. It may be held compressed:
// there are many, and few are ever read. The zero Manifest is of no object.
type Manifest struct {
	data   []byte
	like   *likeness // nil if data is the JSON itself
	length int
}

// likeness is an object's JSON that others of its location are compressed with:
// they have much in common.
type likeness struct{ json []byte }

// NewManifest returns a manifest that keeps the JSON, which must not be changed
// any more.
func NewManifest(json []byte) Manifest { return Manifest{data: json, length: len(json)} }

// JSON is the object. It must not be changed. It is decompressed at each call,
// and panics if memory was damaged: nothing can be decided by what is left.
func (m Manifest) JSON() []byte {
	if m.like == nil {
		return m.data
	}
	r := inflaters.Get().(inflater)
	defer inflaters.Put(r)
	json := make([]byte, m.length)
	err := r.Reset(bytes.NewReader(m.data), m.like.json)
	if err == nil {
		_, err = io.ReadFull(r, json)
	}
	if err != nil {
		panic(fmt.Sprintf("decompressing a declared object: %v", err))
	}
	return json
}

// Identity tells manifests apart without reading them: those with the same one
// have the same JSON. The same JSON may have several.
type Identity struct {
	first  *byte
	like   *likeness
	length int
}

// Identity returns the manifest's. It keeps the JSON in memory, so that it stays
// the only one's.
func (m Manifest) Identity() Identity {
	return Identity{first: unsafe.SliceData(m.data), like: m.like, length: m.length}
}

// Equal reports whether two are the same JSON, however they are held.
func (m Manifest) Equal(other Manifest) bool {
	return m.length == other.length && bytes.Equal(m.JSON(), other.JSON())
}

// Len is how many bytes of JSON it is.
func (m Manifest) Len() int { return m.length }

type inflater interface {
	io.Reader
	flate.Resetter
}

var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

const (
	// packable is how much JSON an object has to have to be worth it.
	packable = 1024

	// packLevel is where more time makes little smaller.
	packLevel = 4
)

// Pack has a location's objects take less memory. What names them is held once,
// and the manifests that are large are compressed, but for the first of them, which the
// others refer to. It leaves alone what is compressed already.
func Pack(objects []Declared) {
	shareText(objects)
	compress(objects)
}

func compress(objects []Declared) {
	var like *likeness
	var w *flate.Writer
	var out bytes.Buffer
	for i := range objects {
		m := &objects[i].Manifest
		switch {
		case m.like != nil || m.length < packable:
			continue
		case like == nil:
			like = &likeness{m.data}
			continue
		case w == nil:
			w, _ = flate.NewWriterDict(&out, packLevel, like.json) // errors are of the level alone
		default:
			out.Reset()
			w.Reset(&out)
		}
		_, _ = w.Write(m.data) // into memory, which doesn't fail
		_ = w.Close()
		*m = Manifest{data: bytes.Clone(out.Bytes()), like: like, length: m.length}
	}
}
