package breakglass

import (
	"fmt"
	"slices"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/policy"
)

// askAnew writes the terms that others have to agree to. What was agreed to is
// void by the code alone, in the same write as the terms.
func askAnew(approval *v1alpha1.BreakGlassApproval, terms *policy.Terms, by v1alpha1.User) {
	approval.Approvers = int32(terms.Approvers)
	if approval.Code == terms.Code {
		return
	}
	approval.Code, approval.AskedBy, approval.HeldUntil = terms.Code, by.Name, nil
	if !terms.HeldUntil.IsZero() {
		until := seconds(terms.HeldUntil)
		approval.HeldUntil = &until
	}
}

// noteApproval writes into a record that somebody agreed, once. The error says
// that what they agreed to isn't what is asked for by now.
func noteApproval(record *v1alpha1.BreakGlass, entry admission.Entry) error {
	status := &record.Status
	status.Approvals = record.Agreements()
	if entry.Verdict.Reason != policy.BreakGlassApproved {
		return nil
	}
	code := entry.Verdict.Emergency.Emergency.Code
	switch {
	case !record.IsOpen():
		return fmt.Errorf("it is over: %s", status.State)
	case code != record.Spec.Approval.Code:
		return fmt.Errorf("its terms have changed, and its code is %s by now", record.Spec.Approval.Code)
	case slices.ContainsFunc(status.Approvals, func(one v1alpha1.BreakGlassAgreement) bool { return one.By.Name == entry.By.Name }):
		return nil
	case len(status.Approvals) < v1alpha1.MaxBreakGlassApprovals:
		status.Approvals = append(status.Approvals, v1alpha1.BreakGlassAgreement{By: entry.By, Time: seconds(entry.At), Code: code})
	}
	return nil
}

// openState is the state of a record that is open, and what it waits for.
func openState(record *v1alpha1.BreakGlass) (state v1alpha1.BreakGlassState, message string) {
	switch missing := record.Missing(); missing {
	case 0:
		return v1alpha1.BreakGlassActive, ""
	case 1:
		return v1alpha1.BreakGlassPending, "Waits for 1 other person to agree."
	default:
		return v1alpha1.BreakGlassPending, fmt.Sprintf("Waits for %d other people to agree.", missing)
	}
}
