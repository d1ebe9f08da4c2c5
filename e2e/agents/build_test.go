package agents

import (
	"bytes"
	"cmp"
	"testing"
)

// Every pinned module must have the checksums of what is asked of it.
func TestEveryAgentIsPinned(t *testing.T) {
	for _, r := range recipes() {
		t.Run(r.name, func(t *testing.T) {
			m, err := r.pinned()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range append(r.programs, program{module: r.module}) {
				module := cmp.Or(p.module, r.module)
				version, err := m.Required(module)
				if err != nil {
					t.Fatal(err)
				}
				if module == "github.com/bitnami/sealed-secrets" { // where it comes from
					module = "github.com/bitnami-labs/sealed-secrets"
				}
				if sum := "\n" + module + " " + version + " h1:"; !bytes.Contains(append([]byte("\n"), m.Sum...), []byte(sum)) {
					t.Errorf("go.sum has no checksum of %s %s", module, version)
				}
			}
		})
	}
}
