package badsources_test

import (
	"fmt"
	"slices"
	"testing"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/pkg/gitindex"
)

// beginsWell is a room with the good source in it.
func beginsWell(t *testing.T) *room {
	t.Helper()
	r := newRoom(t)
	r.commit("good", gitserver.Commit{Files: map[string]string{"apps/a.yaml": configMap("good", "0")}})
	r.add("good", gitindex.Location{Path: "apps", Render: gitindex.Plain})
	r.follows("1")
	return r
}

// worked waits until a source is being worked on, and shows that the good one
// goes on meanwhile.
func (r *room) worked(b bad, turn func()) *gate {
	r.t.Helper()
	held := newGate(b.name, b.asking())
	r.gate.Store(held)
	turn()
	r.wait("a look at the bad source", held.begun)
	r.follows("2")
	r.reports(b.name)
	return held
}

func TestABadSourceHarmsNoOther(t *testing.T) {
	for _, b := range append(badFiles(), badServers()...) {
		t.Run(b.name, func(t *testing.T) {
			if why := b.skipped(); why != "" {
				t.Skip(why)
			}
			r := beginsWell(t)
			before := b.start(r)
			var revision string
			held := r.worked(b, func() { revision = b.turn(r) })
			close(held.open)
			r.until("what is wrong", func() bool { return r.refresher.Latest().Source(b.name).Faults() != nil })
			r.reports(b.name, b.message(r, revision))
			if got := r.declared(b.name); got != before {
				t.Errorf("the bad source declares %q, not its last good %q", got, before)
			}
			r.follows("3")
			r.withinBounds()
		})
	}
}

func TestManyBadSourcesHarmNoOther(t *testing.T) {
	r := beginsWell(t)
	all := slices.DeleteFunc(append(badFiles(), badServers()...), func(b bad) bool { return b.skipped() != "" })
	before, revisions := map[string]string{}, map[string]string{}
	for _, b := range all {
		before[b.name] = b.start(r)
	}
	for _, b := range all {
		revisions[b.name] = b.turn(r)
	}
	r.follows("2")
	for _, b := range all {
		r.until("what is wrong with "+b.name, func() bool { return r.refresher.Latest().Source(b.name).Faults() != nil })
		r.reports(b.name, b.message(r, revisions[b.name]))
		if got := r.declared(b.name); got != before[b.name] {
			t.Errorf("%s declares %q, not its last good %q", b.name, got, before[b.name])
		}
	}
	r.follows("3")
	r.withinBounds()
}

func TestCredentialsThatAreAcceptedAgainEndTheFault(t *testing.T) {
	r := beginsWell(t)
	b := badServers()[len(badServers())-1]
	before := b.start(r)
	revision := b.turn(r)
	r.until("what is wrong", func() bool { return r.refresher.Latest().Source(b.name).Faults() != nil })
	r.reports(b.name, b.message(r, revision))
	if got := r.declared(b.name); got != before {
		t.Errorf("it declares %q, not its last good %q", got, before)
	}
	want := "2 at " + r.commit(b.name, gitserver.Commit{Files: map[string]string{b.name + "/a.yaml": configMap(b.name, "2")}})
	r.serve(b.name, nil)
	r.refresher.Refresh(b.name)
	r.until(want, func() bool { return r.declared(b.name) == want })
	r.reports(b.name)
}

func TestARepositoryOfManyFilesIsReadNoFurtherThanNeeded(t *testing.T) {
	r := beginsWell(t)
	b := bad{name: "many", format: gitindex.Plain, files: map[string]string{"a.yaml": configMap("many", "2")}}
	for i := range 100_000 {
		b.files[fmt.Sprintf("../other/%d/%d.yaml", i/100, i)] = fmt.Sprintf("number: %d\n", i)
	}
	b.start(r)
	var revision string
	held := r.worked(b, func() { revision = b.turn(r) })
	close(held.open)
	r.until("the many files' objects", func() bool { return r.declared(b.name) == "2 at "+revision })
	r.reports(b.name)
	state := r.refresher.Latest().Source(b.name).Locations[0]
	if n := len(state.Inputs); n > 10 {
		t.Errorf("%d files and folders were looked at", n)
	}
	r.follows("3")
	r.withinBounds()
}

func TestASourceThatIsRemovedWhileItRendersIsWorkedOnNoMore(t *testing.T) {
	r := beginsWell(t)
	b := badFiles()[0]
	b.name = endless
	b.start(r)
	held := r.worked(b, func() { b.turn(r) })
	r.remove(b.name)
	r.wait("the end of a rendering that has an hour", held.ended)
	r.until("its objects gone", func() bool { return r.declared(b.name) == "" })
	if state := r.refresher.Latest().Source(b.name); state != nil {
		t.Errorf("it is still there: %v", state.Faults())
	}
	r.follows("3")
	r.withinBounds()
}
