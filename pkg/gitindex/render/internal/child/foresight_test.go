package child

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

type counting struct{ fstest.MapFS }

func (c counting) Ahead() fs.FS { return small(c) }

// small has no large file to read.
type small struct{ fstest.MapFS }

func (s small) ReadFile(name string) ([]byte, error) {
	if len(s.MapFS[name].Data) >= maxAhead {
		panic("reading " + name)
	}
	return s.MapFS.ReadFile(name)
}

func TestWhatIsToldAheadIsBounded(t *testing.T) {
	tree := counting{fstest.MapFS{
		"new/small": {Data: []byte("text")},
		"new/large": {Data: []byte(strings.Repeat("x", maxAhead))},
	}}
	for i := range maxAhead / 100 {
		tree.MapFS[fmt.Sprintf("new/many/%0101d", i)] = &fstest.MapFile{}
	}
	first := question{"read", "old/small"}
	for name, asked := range map[string][]question{
		"a large file":   {first, {"read", "old/large"}, first},
		"a large folder": {first, {"list", "old/many"}, first},
	} {
		t.Run(name, func(t *testing.T) {
			told := (&foresight{"old", asked}).ahead(tree, "new")
			if len(told) != 1 || told[0].Question.Name != "new/small" || string(told[0].Answer.Data) != "text" {
				t.Errorf("%d answers are told: %.200v", len(told), told)
			}
		})
	}
	told := (&foresight{"old", make([]question, maxForeseen+1)}).ahead(tree, "new")
	if len(told) != maxForeseen {
		t.Errorf("%d answers are told, want %d", len(told), maxForeseen)
	}
}
