package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"
)

// look brings what is known up to date, and returns when to look again. What
// can't be fetched stays as it is; the error says why.
func (s *Schemas) look(ctx context.Context, wanted declaredKinds, changes map[string]int) (time.Duration, error) {
	if len(wanted) == 0 {
		s.forget()
		return s.times.Poll, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.times.Retry)
	defer cancel()
	index, err := s.api.index(ctx)
	if err != nil {
		return s.times.Retry, err
	}
	missing := false
	needed := map[kschema.GroupVersion]map[string]bool{}
	need := func(version kschema.GroupVersion, kind string) {
		if needed[version] == nil {
			needed[version] = map[string]bool{}
		}
		needed[version][kind] = true
	}
	for kind, versions := range wanted {
		served := index.versions(kind.Group)
		known := slices.DeleteFunc(slices.Clone(served), func(v kschema.GroupVersion) bool { return !versions[v.Version] })
		if len(known) == 0 {
			missing = true
			// Another version may tell what there is to know of the kind.
			known = slices.DeleteFunc(served, func(v kschema.GroupVersion) bool { return !s.needs(v.WithKind(kind.Kind)) })
		}
		for _, version := range known {
			need(version, kind.Kind)
		}
	}
	problem := s.fetch(ctx, index, needed, false)
	next := &published{
		types:       map[kschema.GroupVersionKind]publishedType{},
		unconverted: map[kschema.GroupKind]bool{},
		replicas:    map[kschema.GroupVersionKind][]string{},
	}
	maps.DeleteFunc(s.definitions, func(kind kschema.GroupKind, _ definition) bool { return wanted[kind] == nil })
	for kind := range wanted {
		d, err := s.definition(ctx, index, kind, changes[kind.Group])
		problem = errors.Join(problem, err)
		for version, path := range d.replicas {
			next.replicas[kind.WithVersion(version)] = path
		}
		if !d.unconverted {
			continue
		}
		next.unconverted[kind] = true
		for _, version := range d.served {
			need(kschema.GroupVersion{Group: kind.Group, Version: version}, kind.Kind)
		}
	}
	problem = errors.Join(problem, s.fetch(ctx, index, needed, true))
	s.publish(next, needed)
	switch {
	case problem != nil:
		return s.times.Retry, problem
	case missing:
		return s.times.Missing, nil
	}
	return s.times.Poll, nil
}

func (s *Schemas) forget() {
	clear(s.documents)
	clear(s.definitions)
	s.current.Store(nil)
}

// fetch brings the needed documents up to date. all says that no others are
// needed, and no other kinds.
func (s *Schemas) fetch(ctx context.Context, index index, needed map[kschema.GroupVersion]map[string]bool, all bool) error {
	var problems []error
	for _, version := range slices.SortedFunc(maps.Keys(needed), compareVersions) {
		address, served := index[version]
		if !served {
			continue
		}
		known := s.documents[version]
		if known != nil && known.address == address && known.serves(needed[version], all) {
			continue
		}
		fetched, err := s.api.document(ctx, version, address, needed[version])
		if err != nil {
			problems = append(problems, err)
			continue
		}
		s.documents[version] = fetched
		s.log.Info("the published schema is in use", "groupVersion", version.String(), "kinds", slices.Sorted(maps.Keys(fetched.types)))
	}
	for version := range s.documents {
		if _, served := index[version]; !served || (all && needed[version] == nil) {
			delete(s.documents, version)
		}
	}
	return errors.Join(problems...)
}

func compareVersions(a, b kschema.GroupVersion) int { return strings.Compare(a.String(), b.String()) }

// definition is what is known of the CRD of a kind. It is read only when
// something in its group changed.
func (s *Schemas) definition(ctx context.Context, index index, kind kschema.GroupKind, changes int) (definition, error) {
	versions := index.versions(kind.Group)
	plural, stamp := "", fmt.Sprint(changes)
	for _, version := range versions {
		stamp += " " + index[version]
		if d := s.documents[version]; d != nil && d.plurals[kind.Kind] != "" {
			plural = d.plurals[kind.Kind]
		}
	}
	if plural == "" {
		return definition{}, nil
	}
	if known, ok := s.definitions[kind]; ok && known.stamp == stamp {
		return known, nil
	}
	read, err := s.api.definition(ctx, kschema.GroupResource{Group: kind.Group, Resource: plural})
	if err != nil {
		return definition{}, err // what it said before may hold no longer
	}
	read.stamp = stamp
	s.definitions[kind] = read
	return read, nil
}

// publish adds the types of the needed kinds to next, and makes it the answer
// from now on.
func (s *Schemas) publish(next *published, needed map[kschema.GroupVersion]map[string]bool) {
	for version := range needed {
		d := s.documents[version]
		if d == nil {
			continue
		}
		for kind, ref := range d.types {
			next.types[version.WithKind(kind)] = publishedType{schema: d.schema, ref: ref}
		}
	}
	s.current.Store(next)
}
