package gitindex_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func TestASourceIsFetchedWithItsReferences(t *testing.T) {
	source := gitindex.Source{Name: "web", References: map[string]gitindex.Repository{"$values": {}, "$more": {}}}
	if diff := cmp.Diff([]string{"web", "web $more", "web $values"}, source.Fetched()); diff != "" {
		t.Errorf("names differ (-want +got):\n%s", diff)
	}
}

func TestARefIsShownAsItIsWritten(t *testing.T) {
	for want, ref := range map[string]gitindex.Ref{"HEAD": {}, "main": {Branch: "main"}, "1.x": {Name: "1.x", TagPrefix: "web/"}} {
		if got := ref.String(); got != want {
			t.Errorf("%+v is %q, want %q", ref, got, want)
		}
	}
}

func TestASecretIsShownWithItsNamespace(t *testing.T) {
	for want, ref := range map[string]gitindex.SecretRef{
		"": {Namespace: "argocd", Form: gitindex.ArgoCDSecret}, "infra": {Name: "infra"}, "argocd/infra": {Namespace: "argocd", Name: "infra"},
	} {
		if got := ref.String(); got != want {
			t.Errorf("%+v is %q, want %q", ref, got, want)
		}
	}
}
