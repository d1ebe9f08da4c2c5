package fields

import (
	"sync"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/lru"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Keeping returns the same types, which keep Git's sides of the last comparisons
// in about so many bytes: an object that is asked about again is not read again.
// What a comparison finds is the same.
func (t *Types) Keeping(bytes int) *Types {
	keeping := *t
	keeping.kept = newKept(bytes)
	return &keeping
}

// git is Git's side of a comparison, and whether it could be read. Unless the
// update changes it, it may be shared: it must not be changed then.
func (t *Types) git(u *Update, live map[string]any) (git map[string]any, read bool, err error) {
	if t.kept == nil || u.skewed() || u.Declared.Len() <= len("{}") {
		return t.read(u, live)
	}
	// Of a kind with a Go type, this is all that its side depends on. It is kept
	// for no other: their schemas come and go.
	of := sideOf{declared: u.Declared.Identity(), kind: u.Type, encrypted: encrypted(live)}
	git, ok := t.kept.get(of)
	if !ok {
		if git, read, err = t.read(u, live); err != nil || !t.HasGoType(u.Type) {
			return git, read, err
		}
		forget(git, u.Type)
		t.kept.add(of, git, u.Declared.Len())
	}
	if u.Part != Main || u.rewrites() {
		git = copied(git).(map[string]any)
	}
	return git, true, nil
}

// sideOf is what Git's side depends on, of a kind that has a Go type.
type sideOf struct {
	declared  gitindex.Identity
	kind      kschema.GroupVersionKind // Git's version too
	encrypted bool                     // the object lives encrypted
}

// kept are sides that were asked for last. They are never changed. It is safe for
// concurrent use.
type kept struct {
	most int // bytes

	mu    sync.Mutex
	bytes int        // of all sides
	sides *lru.Cache // by sideOf
}

type keptSide struct {
	object map[string]any
	bytes  int
}

func newKept(most int) *kept {
	k := &kept{most: most}
	k.sides = lru.NewWithEvictionFunc(0, func(_ lru.Key, side any) { k.bytes -= side.(keptSide).bytes })
	return k
}

func (k *kept) get(of sideOf) (map[string]any, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	side, ok := k.sides.Get(of)
	if !ok {
		return nil, false
	}
	return side.(keptSide).object, true
}

// add keeps a side, which was read from so many bytes of JSON, and drops those
// that nobody asked for longest.
func (k *kept) add(of sideOf, object map[string]any, json int) {
	side := keptSide{object, 2*json + bytesOf(object)} // its texts are parts of the JSON, before and after its Go type
	if side.bytes > k.most {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.sides.Get(of); ok {
		return // another request has read it meanwhile
	}
	k.sides.Add(of, side)
	for k.bytes += side.bytes; k.bytes > k.most; {
		k.sides.RemoveOldest()
	}
}

// bytesOf is about how much memory a value takes, beside its texts.
func bytesOf(value any) int {
	const item, member, header = 16, 40, 48 // a map has room for at least 8 members
	bytes := item
	switch v := value.(type) {
	case map[string]any:
		bytes += header + member*max(8, len(v)*3/2)
		for _, value := range v {
			bytes += bytesOf(value)
		}
	case []any:
		bytes += item * len(v)
		for _, value := range v {
			bytes += bytesOf(value)
		}
	case unset:
		bytes += bytesOf(v.value)
	}
	return bytes
}

// copied is a copy of a declared value, of which nothing is shared that can be
// changed.
func copied(value any) any {
	switch v := value.(type) {
	case unset:
		return unset{copied(v.value)}
	case map[string]any:
		members := make(map[string]any, len(v))
		for name, member := range v {
			members[name] = copied(member)
		}
		return members
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = copied(item)
		}
		return items
	}
	return value
}
