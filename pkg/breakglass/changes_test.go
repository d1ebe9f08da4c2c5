package breakglass

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

func TestARecordHoldsNoMoreThanItsBounds(t *testing.T) {
	record := &v1alpha1.BreakGlass{}
	entry := use("", &policy.Emergency{})
	for i := range v1alpha1.MaxBreakGlassUses + 5 {
		entry.Review = types.UID(fmt.Sprint(i))
		entry.Key.Name = fmt.Sprint(i % 3)
		entry.Verdict.Differences = []fields.Difference{{Path: fmt.Sprintf("data.%d", i)}, {Path: fmt.Sprintf("data.x%d", i)}, {Path: fmt.Sprintf("data.y%d", i)}}
		note(record, entry, nil)
	}
	s := record.Status
	if len(s.Uses) != v1alpha1.MaxBreakGlassUses || s.Uses[0].UID != "5" || s.UseCount != v1alpha1.MaxBreakGlassUses+5 {
		t.Errorf("%d uses from %s, %d counted", len(s.Uses), s.Uses[0].UID, s.UseCount)
	}
	for _, change := range s.Changes {
		if diff := cmp.Diff([]string{"*"}, change.Fields); diff != "" {
			t.Errorf("fields of %s (-want +got):\n%s", change.Object.Name, diff)
		}
	}
}

func TestRecordsHaveNamesThatObjectsMayHave(t *testing.T) {
	for _, key := range []gitindex.Key{
		guestbook, {Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "system:node"}, {Kind: "Namespace", Name: strings.Repeat("a", 250)},
		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "Team:.Über Admins:"}, {Kind: "Thing", Namespace: "a", Name: "b.c-.d"},
		{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Name: "widgets.example.com"}, {Kind: "Thing", Name: strings.Repeat(":", 300)},
	} {
		name := nameOf(admission.Entry{Review: "r-0", Key: key})
		if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
			t.Errorf("%s: %s", name, problems)
		}
	}
}

func TestWhatWasChangedIsKeptOfEachObject(t *testing.T) {
	entry := func(operation policy.Operation, paths ...string) admission.Entry {
		e := use("", &policy.Emergency{})
		e.Operation, e.Verdict.Differences = operation, nil
		for _, path := range paths {
			e.Verdict.Differences = append(e.Verdict.Differences, fields.Difference{Path: path})
		}
		return e
	}
	var many []string
	for i := range v1alpha1.MaxBreakGlassFields + 1 {
		many = append(many, fmt.Sprintf("data.%d", i))
	}
	for _, test := range []struct {
		name    string
		entries []admission.Entry
		fields  []string
		deleted bool
	}{
		{"a field", []admission.Entry{entry(policy.Update, "spec.replicas")}, []string{"spec.replicas"}, false},
		{"the same again, and another", []admission.Entry{entry(policy.Update, "a"), entry(policy.Update, "a", "b")}, []string{"a", "b"}, false},
		{"what can't be told in fields", []admission.Entry{entry(policy.Update)}, []string{"*"}, false},
		{"and then a field", []admission.Entry{entry(policy.Update), entry(policy.Update, "a")}, []string{"*"}, false},
		{"as many as are kept", []admission.Entry{entry(policy.Update, many[1:]...)}, many[1:], false},
		{"more fields than are kept", []admission.Entry{entry(policy.Update, many...)}, []string{"*"}, false},
		{"it was deleted", []admission.Entry{entry(policy.Delete)}, nil, true},
		{"it was deleted and made again", []admission.Entry{entry(policy.Delete), entry(policy.Create)}, []string{"*"}, false},
		{"it was made and deleted", []admission.Entry{entry(policy.Create), entry(policy.Delete)}, []string{"*"}, true},
	} {
		record := &v1alpha1.BreakGlass{}
		for i, e := range test.entries {
			e.Review = types.UID(fmt.Sprint(i))
			note(record, e, git("a", "1"))
		}
		want := []v1alpha1.BreakGlassChange{{Object: reference(guestbook, "u-1"), Deleted: test.deleted, Fields: test.fields, Revision: "a"}}
		if diff := cmp.Diff(want, record.Status.Changes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	record := &v1alpha1.BreakGlass{}
	note(record, entry(policy.Update, many...), nil)
	if got := len(record.Status.Uses[0].Differences); got != v1alpha1.MaxBreakGlassFields {
		t.Errorf("%d differences of a use are kept", got)
	}
	record = &v1alpha1.BreakGlass{}
	for i := range v1alpha1.MaxBreakGlassChanges + 1 {
		e := entry(policy.Update, "a")
		e.Review, e.Key.Name = types.UID(fmt.Sprint(i)), fmt.Sprint(i)
		note(record, e, nil)
	}
	if got := len(record.Status.Changes); got != v1alpha1.MaxBreakGlassChanges {
		t.Errorf("%d changes are kept", got)
	}
}

func TestNoSecretIsInARecord(t *testing.T) {
	entry := use("r-1", &policy.Emergency{})
	entry.Key = gitindex.Key{Kind: "Secret", Namespace: "staging", Name: "db"}
	entry.Verdict.Differences = []fields.Difference{
		{Path: "data.password", Declared: true, Git: fields.Value{Present: true, Hidden: true}, New: fields.Value{Present: true, Hidden: true}},
		{Path: "data.token", New: fields.Value{Present: true, Hidden: true}},
	}
	record := &v1alpha1.BreakGlass{}
	note(record, entry, nil)
	want := []string{"data.password: the request departs from Git's value (not shown)", "data.token: not in Git, the request sets it"}
	if diff := cmp.Diff(want, record.Status.Uses[0].Differences); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
}
