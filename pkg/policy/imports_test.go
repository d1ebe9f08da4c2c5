package policy_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The decision is pure: nothing that fetches or connects may come near it.
func TestTheDecisionImportsNothingThatConnects(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "gitonly.dev/gitonly/pkg/policy").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 50 {
		t.Fatalf("go list names only %d packages", len(packages))
	}
	for _, name := range packages {
		for _, forbidden := range []string{
			"github.com/go-git/go-git", "k8s.io/client-go/rest", "k8s.io/client-go/transport",
			"sigs.k8s.io/controller-runtime",
			"gitonly.dev/gitonly/pkg/admission", "gitonly.dev/gitonly/pkg/cluster", "gitonly.dev/gitonly/pkg/config",
			"gitonly.dev/gitonly/pkg/gitindex/git", "gitonly.dev/gitonly/pkg/gitindex/render",
		} {
			if name == forbidden || strings.HasPrefix(name, forbidden+"/") {
				t.Errorf("pkg/policy depends on %s", name)
			}
		}
	}
}
