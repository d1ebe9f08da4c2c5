package cluster

import (
	"testing"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

func TestAPolicyThatIsWrongInPartStillGuards(t *testing.T) {
	types, err := builtin.Types()
	if err != nil {
		t.Fatal(err)
	}
	item := &v1alpha1.GuardPolicy{}
	item.Spec.Mode = v1alpha1.ModeEnforce
	item.Spec.BreakGlass.ReasonPattern = "["
	item.SetDefaults()
	if _, err := policy.NewGuard(item); err == nil {
		t.Fatal("it is right as a whole")
	}
	guard, ok := usable(item)
	if !ok {
		t.Fatal("nothing of it is used")
	}
	key := gitindex.Key{Kind: "ConfigMap", Namespace: "staging", Name: "settings"}
	snapshot := gitindex.NewSnapshot([]gitindex.SourceState{{
		Source:    gitindex.Source{Name: "infra"},
		Locations: []gitindex.LocationState{{Objects: []gitindex.Declared{{Key: key, APIVersion: "v1", Manifest: gitindex.NewManifest([]byte(`{}`))}}}},
	}})
	v := policy.Decide(policy.Request{Key: key, Operation: policy.Delete, User: policy.User{Name: "ann"}}, snapshot, policy.Policy{Guards: []policy.Guard{guard}, Types: types})
	if v.Outcome != policy.Deny || v.Reason != policy.DeclaredObjectDeleted {
		t.Errorf("%s %s", v.Outcome, v.Reason)
	}
}
