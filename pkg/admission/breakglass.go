package admission

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

// Emergencies are the cluster's records of broken glass.
type Emergencies interface {
	// Find returns the latest emergency of the object with this UID; nil if
	// there was none.
	Find(ctx context.Context, uid types.UID) (*policy.Emergency, error)

	// Record takes note of what a verdict with an Emergency did. It returns
	// soon: the error says why that isn't written by then.
	Record(ctx context.Context, entry Entry) error
}

// Permissions knows what RBAC permits.
type Permissions interface {
	// MayBreakGlass reports whether the user of a request has the verb
	// break-glass on its object.
	MayBreakGlass(ctx context.Context, review *admissionv1.AdmissionRequest, key gitindex.Key) (bool, error)

	// RecentlyDenied reports whether MayBreakGlass's answer to the same was no a
	// few seconds ago.
	RecentlyDenied(review *admissionv1.AdmissionRequest, key gitindex.Key) bool

	// MayApprove reports the same as MayBreakGlass of the verb
	// approve-break-glass.
	MayApprove(ctx context.Context, review *admissionv1.AdmissionRequest, key gitindex.Key) (bool, error)
}

// Entry is one verdict to be recorded.
type Entry struct {
	Review      types.UID // of the AdmissionReview
	At          time.Time
	By          v1alpha1.User
	Operation   policy.Operation
	Key         gitindex.Key
	Version     string    // API version of the request, without the group
	UID         types.UID // of the object; empty where the request has none
	Subresource string
	Asked       policy.Annotation // after the request
	Verdict     policy.Verdict
}

// Code stands for a request: six letters and digits, the same each time that it
// is reviewed.
func Code(review types.UID) string {
	sum := sha256.Sum256([]byte(review))
	return rand.SafeEncodeString(hex.EncodeToString(sum[:]))[:6]
}

// breakGlass is what is known of the emergencies that a request may be part of.
func (h *Handler) breakGlass(ctx context.Context, review *admissionv1.AdmissionRequest, request *policy.Request, actor policy.Actor) *policy.BreakGlass {
	ctx, end := h.span(ctx, "read emergencies")
	defer end()
	glass := &policy.BreakGlass{
		Resource: kschema.GroupResource{Group: review.Resource.Group, Resource: review.Resource.Resource}.String(),
		Code:     Code(review.UID),
	}
	own, err := h.ownMark(ctx, review, request)
	if err != nil {
		glass.Unseen = err
		h.Log.Error(err, "looking for the annotation that breaks the glass", "uid", review.UID)
	}
	advises := err == nil && own.annotation == (policy.Annotation{}) && !policy.MayBeInEmergency(request)
	if actor != policy.Agent && !(advises && h.Permissions.RecentlyDenied(review, request.Key)) {
		glass.Permitted, glass.Problem = h.Permissions.MayBreakGlass(ctx, review, request.Key)
		if glass.Problem == nil && policy.AsksForApproval(request) {
			glass.MayApprove, glass.Problem = h.Permissions.MayApprove(ctx, review, request.Key)
		}
		if glass.Problem != nil {
			glass.Problem = fmt.Errorf("asking the API server whether %s may: %w", request.User.Name, glass.Problem)
		}
	}
	around, err := h.namespaceMark(ctx, request, glass.Permitted)
	if err != nil {
		h.Log.Error(err, "looking for the annotation that breaks the glass", "uid", review.UID)
	}
	glass.Annotation = own.annotation
	if own.annotation.Reason == "" {
		glass.Annotation = around.annotation
	}
	for _, one := range []struct {
		mark
		found **policy.Emergency
	}{{own, &glass.Object}, {around, &glass.Namespace}} {
		if one.annotation.Reason == "" {
			continue
		}
		found, err := h.Emergencies.Find(ctx, one.uid)
		switch {
		case err != nil:
			if glass.Unrecorded == nil {
				glass.Unrecorded, glass.Annotation = err, one.annotation // one whose records can be read counts by those
			}
			h.Log.Error(err, "reading the records of emergencies", "uid", review.UID)
		case found != nil && one.annotation.Stands(found):
			*one.found = found
		}
	}
	if asked := policy.AnnotationOf(request.Object); glass.Object == nil && glass.Unrecorded == nil && asked.Reason != "" && asked != own.annotation {
		found, err := h.Emergencies.Find(ctx, own.uid)
		switch {
		case err != nil: // whether it can be recorded is seen when it is
			h.Log.Error(err, "reading the records of emergencies", "uid", review.UID)
		case found != nil && asked.Stands(found):
			glass.Repeated = found
		}
	}
	return glass
}

// mark is an annotation in its place.
type mark struct {
	uid        types.UID
	annotation policy.Annotation
}

// ownMark is the object's, as it is before the request; what isn't there has none.
func (h *Handler) ownMark(ctx context.Context, review *admissionv1.AdmissionRequest, request *policy.Request) (mark, error) {
	if review.Kind.Kind == request.Key.Kind {
		return markIn(request.OldObject), nil
	}
	return h.markOf(ctx, kschema.GroupVersionKind{Group: request.Key.Group, Version: request.Version, Kind: request.Key.Kind}, request.Key)
}

// namespaceMark is that of the object's Namespace. What the watch doesn't have
// yet may have been written a moment ago, which matters to those whom an
// emergency permits something: the others needn't wait for one more answer.
func (h *Handler) namespaceMark(ctx context.Context, request *policy.Request, permitted bool) (mark, error) {
	if request.Key.Namespace == "" {
		return mark{}, nil
	}
	if known := request.Namespace; known != nil && (!permitted || annotationIn(known.Annotations).Reason != "") {
		return mark{known.UID, annotationIn(known.Annotations)}, nil
	}
	return h.markOf(ctx, kschema.GroupVersionKind{Version: "v1", Kind: "Namespace"}, gitindex.Key{Kind: "Namespace", Name: request.Key.Namespace})
}

func (h *Handler) markOf(ctx context.Context, kind kschema.GroupVersionKind, key gitindex.Key) (mark, error) {
	object, err := h.read(ctx, kind, key)
	if object == nil || err != nil {
		return mark{}, err
	}
	return mark{object.UID, annotationIn(object.Annotations)}, nil
}

func annotationIn(annotations map[string]string) policy.Annotation {
	return policy.Annotation{Reason: annotations[v1alpha1.BreakGlassAnnotation], Until: annotations[v1alpha1.BreakGlassUntilAnnotation]}
}

func markIn(object []byte) mark {
	return mark{uidOf(object), policy.AnnotationOf(object)}
}

// recordEmergency takes note of what a verdict has to do with an emergency. It
// returns the verdict, which is another where it has to be recorded and can't.
func (h *Handler) recordEmergency(ctx context.Context, review *admissionv1.AdmissionRequest, request *policy.Request, v policy.Verdict) policy.Verdict {
	if v.Emergency == nil || h.Emergencies == nil || request.DryRun {
		return v
	}
	entry := Entry{
		Review: review.UID, At: request.At, By: v1alpha1.User{Name: review.UserInfo.Username, Groups: review.UserInfo.Groups},
		Operation: request.Operation, Key: request.Key, Version: request.Version, UID: uidOf(request.OldObject), Subresource: request.Subresource,
		Asked: policy.AnnotationOf(request.Object), Verdict: v,
	}
	if request.Operation == policy.Create {
		entry.UID = uidOf(request.Object)
	}
	ctx, end := h.span(ctx, "record emergency")
	defer end()
	err := h.write(ctx, entry)
	if err == nil {
		return v
	}
	h.Meter.Unrecorded()
	h.Log.Error(err, "recording an emergency", "uid", review.UID, "object", request.Key.String(), "user", review.UserInfo.Username)
	return policy.Unrecorded(v, err)
}

// write writes a record. One that breaks is one that can't be written: it is for
// the policy to say what becomes of the request.
func (h *Handler) write(ctx context.Context, entry Entry) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("recording broke: %v", fault)
			h.broke("recording", entry.Review, fault)
		}
	}()
	return h.Emergencies.Record(ctx, entry)
}
