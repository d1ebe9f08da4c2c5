package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// startPercent is GOGC until the parts are put together. What they are made of stays
// where it is, between the garbage of making it: so there's to be little of that.
const startPercent = 12

// collectTightly lets little garbage grow until end is called, unless GOGC says how
// much there may be.
func collectTightly() (end func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	usual := debug.SetGCPercent(startPercent)
	return func() { debug.SetGCPercent(usual) }
}

// collectEvery is how often it is looked at whether garbage is worth collecting.
const collectEvery = 2 * time.Second

// collectEarly collects garbage that Go would let grow for minutes, until it is as
// much as what is alive. While much is allocated, Go collects more often than this
// looks, and is left to it; so it is where GOGC says how much garbage there may be.
func collectEarly(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	for last := readHeap(); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(collectEvery):
		}
		now := readHeap()
		if now.worthCollecting(last) {
			runtime.GC()
			now = readHeap()
		}
		last = now
	}
}

// heap is what the garbage collector says of it.
type heap struct {
	collections uint64
	alive       uint64 // bytes, at the last collection
	used        uint64 // bytes, with what is garbage since
}

// worthCollecting reports whether a sixteenth of what was alive was allocated since
// then, and nothing was collected since the last look.
func (h heap) worthCollecting(last heap) bool {
	return h.collections == last.collections && h.used >= h.alive+h.alive/16
}

func readHeap() heap {
	read := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(read)
	return heap{collections: read[0].Value.Uint64(), alive: read[1].Value.Uint64(), used: read[2].Value.Uint64()}
}
