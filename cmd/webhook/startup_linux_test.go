package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const smaps = `00400000-022b2000 r-xp 00000000 fe:00 12633675                           /webhook
Size:              31432 kB
Rss:               28808 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
022b2000-044cd000 r--p 01eb2000 fe:00 12633675                           /webhook
Rss:               23980 kB
Anonymous:             0 kB
044cd000-044ce000 r--p 040cd000 fe:00 12633675                           /webhook
Anonymous:             4 kB
044ce000-047fb000 rw-p 040ce000 fe:00 12633675                           /webhook
Anonymous:             0 kB
91184400000-91187400000 r--p 00000000 00:00 0 
Anonymous:             0 kB
7fa4ff110000-7fa4ff600000 r--p 00000000 fe:00 5                          /other/webhook
Anonymous:             0 kB
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
Anonymous:             0 kB
`

func TestOnlyWhatIsInTheProgramsFileAsItIsInMemoryIsUnmapped(t *testing.T) {
	got, err := unchanged(strings.NewReader(smaps), "/webhook")
	if err != nil {
		t.Fatal(err)
	}
	want := []region{{0x400000, 0x22b2000}, {0x22b2000, 0x44cd000}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(region{})); diff != "" {
		t.Errorf("regions (-want +got):\n%s", diff)
	}
}

func TestAnUnmappedProgramTakesLessMemoryAndGoesOn(t *testing.T) {
	before := mappedFiles(t)
	if err := unmapProgram(); err != nil {
		t.Fatal(err)
	}
	if after := mappedFiles(t); after >= before {
		t.Errorf("pages of files: %d before, %d after", before, after)
	}
}

// mappedFiles is how many pages of files this process has in memory.
func mappedFiles(t *testing.T) (pages int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(strings.Fields(string(text))[2], &pages); err != nil {
		t.Fatal(err)
	}
	return pages
}
