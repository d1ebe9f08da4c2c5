package gitindex

import (
	"bufio"
	"compress/gzip"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
)

// A cache file is gzip, whose checksum finds damage, around gob values: a
// savedSource, then its locations, each followed by its objects. The gzip
// comment is the version of all that: a change to the saved types, or to what
// they mean, needs a new one.
const diskFormat = "gitonly index 3"

type savedSource struct {
	Name      string
	URL       string
	Ref       Ref
	Revision  Revision
	Locations int
}

// savedLocation leaves out how a location is built: that may hold Secrets'
// values, and the first look renders again anyway.
type savedLocation struct {
	Path      string
	Namespace string
	Render    Format
	URL       string // that the objects came from
	Revision  Revision
	Err       string
	Objects   int
}

type savedObject struct {
	Key          Key
	APIVersion   string
	JSON         []byte
	ScopeUnknown bool
	File         string
	Line         int
	Fields       []FieldOrigin
	Undetermined []string
	Hidden       []string
	Generated    string
	Undecrypted  string
}

func encodeState(w io.Writer, state SourceState) error {
	zip, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	zip.Comment = diskFormat
	enc := gob.NewEncoder(zip)
	err = enc.Encode(savedSource{
		Name:      state.Source.Name,
		URL:       Redact(state.Source.Repository.URL),
		Ref:       state.Source.Repository.Ref,
		Revision:  state.Revision,
		Locations: len(state.Locations),
	})
	if err != nil {
		return err
	}
	for i := range state.Locations {
		if err := encodeLocation(enc, &state.Locations[i]); err != nil {
			return err
		}
	}
	return zip.Close()
}

func encodeLocation(enc *gob.Encoder, l *LocationState) error {
	saved := savedLocation{Path: l.Location.Path, Namespace: l.Location.Namespace, Render: l.Location.Render, Revision: l.Revision, Objects: len(l.Objects)}
	if l.Err != nil {
		saved.Err = l.Err.Error()
	}
	if len(l.Objects) > 0 {
		saved.URL = l.Objects[0].Origin.URL
	}
	if err := enc.Encode(saved); err != nil {
		return err
	}
	for i := range l.Objects {
		d := &l.Objects[i]
		err := enc.Encode(savedObject{
			Key:          d.Key,
			APIVersion:   d.APIVersion,
			JSON:         d.Presentable(),
			ScopeUnknown: d.ScopeUnknown,
			File:         d.Origin.File,
			Line:         d.Origin.Line,
			Fields:       d.Origin.Fields,
			Undetermined: d.Undetermined,
			Hidden:       d.Hidden,
			Generated:    d.Generated,
			Undecrypted:  d.Undecrypted,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func decodeState(r io.Reader) (SourceState, error) {
	zip, err := gzip.NewReader(r)
	if err != nil {
		return SourceState{}, err
	}
	if zip.Comment != diskFormat {
		return SourceState{}, fmt.Errorf("the format is %q, not %q", zip.Comment, diskFormat)
	}
	buffered := bufio.NewReader(zip)
	dec := gob.NewDecoder(buffered)
	var saved savedSource
	if err := dec.Decode(&saved); err != nil {
		return SourceState{}, err
	}
	state := SourceState{
		Source:   Source{Name: saved.Name, Repository: Repository{URL: saved.URL, Ref: saved.Ref}},
		Revision: saved.Revision,
	}
	for range saved.Locations {
		l, err := decodeLocation(dec, saved.Name)
		if err != nil {
			return SourceState{}, err
		}
		state.Locations = append(state.Locations, l)
	}
	// The checksum is checked at the end.
	if _, err := io.Copy(io.Discard, buffered); err != nil {
		return SourceState{}, err
	}
	return state, nil
}

func decodeLocation(dec *gob.Decoder, source string) (LocationState, error) {
	var saved savedLocation
	if err := dec.Decode(&saved); err != nil {
		return LocationState{}, err
	}
	l := LocationState{Location: Location{Path: saved.Path, Namespace: saved.Namespace, Render: saved.Render}, Revision: saved.Revision}
	if saved.Err != "" {
		l.Err = errors.New(saved.Err)
	}
	for range saved.Objects {
		var d savedObject
		if err := dec.Decode(&d); err != nil {
			return LocationState{}, err
		}
		l.Objects = append(l.Objects, Declared{
			Key:          d.Key,
			APIVersion:   d.APIVersion,
			Manifest:     NewManifest(d.JSON),
			ScopeUnknown: d.ScopeUnknown,
			Undetermined: d.Undetermined,
			Hidden:       d.Hidden,
			Generated:    d.Generated,
			Undecrypted:  d.Undecrypted,
			Origin: Origin{
				Source:   source,
				URL:      saved.URL,
				Revision: saved.Revision,
				Path:     saved.Path,
				File:     d.File,
				Line:     d.Line,
				Fields:   d.Fields,
			},
		})
	}
	return l, nil
}
