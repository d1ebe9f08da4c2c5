package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatIsWorthCollecting(t *testing.T) {
	last := heap{collections: 7, alive: 160 << 20, used: 161 << 20}
	for name, c := range map[string]struct {
		now  heap
		want bool
	}{
		"a sixteenth of what is alive":                {heap{7, 160 << 20, 170 << 20}, true},
		"less isn't":                                  {heap{7, 160 << 20, 170<<20 - 1}, false},
		"nothing is where Go itself has just done it": {heap{8, 160 << 20, 300 << 20}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.now.worthCollecting(last); got != c.want {
				t.Errorf("worth collecting: %v, want %v", got, c.want)
			}
		})
	}
}

func TestGarbageIsCollectedBeforeItIsAsMuchAsIsAlive(t *testing.T) {
	t.Setenv("GOGC", "")
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // none is collected by itself
	runtime.GC()
	synctest.Test(t, func(t *testing.T) {
		go func() { _ = collectEarly(t.Context()) }()
		synctest.Wait()
		before := readHeap()

		time.Sleep(2 * collectEvery)
		synctest.Wait()
		if now := readHeap(); now.collections != before.collections {
			t.Fatalf("collections where nothing was allocated: %d", now.collections-before.collections)
		}

		garbage = make([]byte, before.alive/8)
		garbage = nil
		time.Sleep(2 * collectEvery)
		synctest.Wait()
		if now := readHeap(); now.collections != before.collections+1 {
			t.Errorf("collections of an eighth of what is alive: %d, want 1", now.collections-before.collections)
		}
	})
}

var garbage []byte

func TestLittleGarbageGrowsUntilThePartsArePutTogether(t *testing.T) {
	t.Setenv("GOGC", "")
	usual := gogc()
	end := collectTightly()
	if got := gogc(); got != startPercent {
		t.Errorf("GOGC at the start: %d, want %d", got, startPercent)
	}
	end()
	if got := gogc(); got != usual {
		t.Errorf("GOGC after the start: %d, want %d", got, usual)
	}
}

func TestHowMuchGarbageThereIsIsLeftToGOGC(t *testing.T) {
	t.Setenv("GOGC", "100")
	usual := gogc()
	end := collectTightly()
	defer end()
	if got := gogc(); got != usual {
		t.Errorf("GOGC at the start: %d, want %d", got, usual)
	}
	if err := collectEarly(t.Context()); err != nil { // returns at once
		t.Error(err)
	}
}

func gogc() int {
	read := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(read)
	return int(read[0].Value.Uint64())
}
