package breakglass

import (
	"slices"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

// note writes a use into a record; it reports whether it wasn't there yet.
func note(record *v1alpha1.BreakGlass, entry admission.Entry, snapshot *gitindex.Snapshot) bool {
	status, use := &record.Status, useOf(entry)
	if slices.ContainsFunc(status.Uses, func(known v1alpha1.BreakGlassUse) bool { return known.UID == use.UID }) {
		return false
	}
	if n := len(status.Uses); n > 0 && repeats(status.Uses[n-1], use) {
		return false
	}
	status.Object = keyOf(record.Spec.Object).String()
	v := &entry.Verdict
	if state, waits := openState(record); record.IsOpen() && (state != status.State || waits != "") {
		status.State, status.Message = state, waits
	}
	if v.Reason == policy.BreakGlassEnded && record.IsOpen() {
		ended := seconds(entry.At)
		status.State, status.EndedAt, status.Message = v1alpha1.BreakGlassEnded, &ended, endedBy(entry.By.Name)
	}
	status.UseCount++
	status.Uses = append(status.Uses, use)
	status.Uses = status.Uses[max(0, len(status.Uses)-v1alpha1.MaxBreakGlassUses):]
	if v.Emergency.Without != "" {
		noteChange(status, entry, snapshot)
	}
	return true
}

// useOf is what a record keeps of a request.
func useOf(entry admission.Entry) v1alpha1.BreakGlassUse {
	v := &entry.Verdict
	use := v1alpha1.BreakGlassUse{
		UID: entry.Review, Time: seconds(entry.At), By: entry.By, Operation: string(entry.Operation),
		Object: reference(entry.Key, entry.UID), Subresource: entry.Subresource, Did: did(v),
	}
	if terms := v.Emergency.Terms; terms != nil {
		until := seconds(terms.Until)
		use.Reason, use.Until = terms.Reason, &until
	}
	for _, d := range v.Differences[:min(len(v.Differences), v1alpha1.MaxBreakGlassFields)] {
		use.Differences = append(use.Differences, policy.DescribeDifference(v, d))
	}
	return use
}

// repeats reports whether a use asks for what the last one did: the API server
// reviews a request again that met another write.
func repeats(last, use v1alpha1.BreakGlassUse) bool {
	return use.Until != nil && use.Until.Equal(last.Until) && use.Reason == last.Reason &&
		use.By.Name == last.By.Name && use.Object == last.Object && slices.Equal(use.Differences, last.Differences)
}

// did is what a request did to an emergency.
func did(v *policy.Verdict) string {
	switch v.Reason {
	case policy.BreakGlassOpened:
		if v.Emergency.Emergency != nil {
			return "Changed the terms"
		}
		return "Opened"
	case policy.BreakGlassApproved:
		return "Agreed"
	case policy.BreakGlassEnded:
		return "Ended"
	}
	return string(v.Emergency.Without)
}

// noteChange adds what a request changed to what the agent may not take back.
func noteChange(status *v1alpha1.BreakGlassStatus, entry admission.Entry, snapshot *gitindex.Snapshot) {
	i := slices.IndexFunc(status.Changes, func(change v1alpha1.BreakGlassChange) bool { return keyOf(change.Object) == entry.Key })
	if i < 0 {
		if len(status.Changes) == v1alpha1.MaxBreakGlassChanges {
			return
		}
		i = len(status.Changes)
		status.Changes = append(status.Changes, v1alpha1.BreakGlassChange{Object: reference(entry.Key, entry.UID)})
	}
	change := &status.Changes[i]
	change.Revision = ""
	if declared := snapshot.Lookup(entry.Key); declared != nil {
		change.Revision = declared.Origin.Revision.Commit
	}
	switch entry.Operation {
	case policy.Delete:
		change.Deleted = true
		return
	case policy.Create:
		change.Deleted, change.Fields = false, []string{"*"}
		return
	}
	if len(entry.Verdict.Differences) == 0 {
		change.Fields = []string{"*"}
	}
	for _, d := range entry.Verdict.Differences {
		if !slices.Contains(change.Fields, d.Path) && !slices.Contains(change.Fields, "*") {
			change.Fields = append(change.Fields, d.Path)
		}
	}
	if len(change.Fields) > v1alpha1.MaxBreakGlassFields {
		change.Fields = []string{"*"}
	}
}
