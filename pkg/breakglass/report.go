package breakglass

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// endedBy is the message of an emergency that somebody ended, before the keeper
// says what departs from Git.
func endedBy(user string) string { return "Ended by " + user + "." }

// isUnreported reports whether somebody ended the emergency, and nobody said yet
// what departed from Git then.
func isUnreported(record *v1alpha1.BreakGlass) bool {
	status := &record.Status
	return status.State == v1alpha1.BreakGlassEnded && slices.ContainsFunc(status.Uses, func(use v1alpha1.BreakGlassUse) bool {
		return status.Message == endedBy(use.By.Name)
	})
}

// report says what departs from Git, in the record of an emergency that somebody
// just ended.
func (k *keeper) report(ctx context.Context, record *v1alpha1.BreakGlass) error {
	remains, _, problem := k.departures(ctx, record)
	record.Status.Message += " " + cmp.Or(said(remains, problem), "Nothing that was changed departs from Git.")
	if err := k.client.Status().Update(ctx, record); err != nil {
		return fmt.Errorf("writing the status of BreakGlass %s: %w", record.Name, client.IgnoreNotFound(err))
	}
	return nil
}
