package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// approveEmergency agrees to what somebody else asks for, and says what that is.
func approveEmergency(ctx context.Context, out io.Writer, reader client.Reader, object *target, said *warnings) error {
	live, err := object.objects.Get(ctx, object.name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading %s: %w", object, err)
	}
	open, err := openEmergencyOf(ctx, reader, live.GetUID())
	if err != nil {
		return err
	}
	if open == nil {
		return fmt.Errorf("%s has no open emergency to agree to: kubectl gitonly break-glass lists those that are open", object)
	}
	words := open.Spec.Approval.Code
	if n := len(open.Agreements()); n > 0 {
		words = fmt.Sprintf("%s-%d", words, n+1) // the same words twice would change nothing
	}
	if err := annotate(ctx, object, map[string]*string{v1alpha1.BreakGlassApproveAnnotation: &words}); err != nil {
		return err
	}
	if !said.about {
		return fmt.Errorf("%s is annotated, but gitonly said nothing to it: somebody else agreed at the same time, or gitonly doesn't run; try again", object)
	}
	_, err = fmt.Fprintf(out, "You agreed to what %s asked for until %s: %s\n", askedBy(open), at(open.Spec.Until.Time), open.Spec.Reason)
	return err
}

// openEmergencyOf is the latest emergency of the object with this UID, if that is
// open; nil if it isn't.
func openEmergencyOf(ctx context.Context, reader client.Reader, uid types.UID) (*v1alpha1.BreakGlass, error) {
	var found v1alpha1.BreakGlassList
	if err := reader.List(ctx, &found, client.MatchingLabels{v1alpha1.BreakGlassUIDLabel: string(uid)}); err != nil {
		return nil, unread("BreakGlasses", err)
	}
	found.Items = slices.DeleteFunc(found.Items, func(b v1alpha1.BreakGlass) bool { return !b.IsOpen() })
	if len(found.Items) == 0 {
		return nil, nil
	}
	openFirst(found.Items)
	return &found.Items[0], nil
}

func askedBy(b *v1alpha1.BreakGlass) string {
	if by := b.Spec.Approval.AskedBy; by != "" {
		return by
	}
	return b.Spec.OpenedBy.Name
}

// whose is who opened an emergency, and who agreed to it.
func whose(b *v1alpha1.BreakGlass) string {
	var agreed []string
	for _, one := range b.Agreements() {
		agreed = append(agreed, one.By.Name)
	}
	if len(agreed) == 0 {
		return b.Spec.OpenedBy.Name
	}
	return b.Spec.OpenedBy.Name + " (agreed: " + strings.Join(agreed, ", ") + ")"
}
