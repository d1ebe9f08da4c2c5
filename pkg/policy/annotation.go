package policy

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// Annotation is what an object says about breaking the glass.
type Annotation struct{ Reason, Until string }

// Stands reports whether it is the annotation by which the emergency was opened,
// or last changed.
func (a Annotation) Stands(e *Emergency) bool {
	if a.Reason == "" || a.Reason != e.Reason {
		return false
	}
	until, err := time.Parse(time.RFC3339, a.Until)
	if e.Asked.IsZero() {
		return a.Until == "" || err == nil && !until.After(e.From) // left over from the last one
	}
	return err == nil && until.Truncate(time.Second).Equal(e.Asked)
}

// annotations are those before and after the request. They are equal where the
// request can't change them.
func (c *decision) annotations() (before, after Annotation) {
	req := c.req
	before = AnnotationOf(req.OldObject)
	if !c.carriesAnnotations() {
		return before, before
	}
	return before, AnnotationOf(req.Object)
}

// carriesAnnotations reports whether the request can change the object's.
func (c *decision) carriesAnnotations() bool {
	req := c.req
	return c.part != fields.Scale && (req.Operation == Create || req.Operation == Update) && req.Type.Kind == req.Key.Kind
}

// AnnotationOf is what an object in JSON says about breaking the glass.
func AnnotationOf(object []byte) Annotation {
	all := annotationsIn(object)
	return Annotation{all[v1alpha1.BreakGlassAnnotation], all[v1alpha1.BreakGlassUntilAnnotation]}
}

// annotationsIn are all of an object in JSON; none if it has none that are about
// breaking the glass, each of which begins with the same words.
func annotationsIn(object []byte) map[string]string {
	if !mayHave(object, v1alpha1.BreakGlassAnnotation) {
		return nil
	}
	return readAnnotations(object)
}

func readAnnotations(object []byte) map[string]string {
	var m struct {
		Metadata struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
	}
	if json.Unmarshal(object, &m) != nil {
		return nil // then it can't be decided on at all
	}
	return m.Metadata.Annotations
}

// isPast reports whether a time of an annotation is over.
func (c *decision) isPast(until string) bool {
	at, err := time.Parse(time.RFC3339, until)
	return err == nil && !at.After(c.req.At)
}

// glassAnnotations are those that are about breaking the glass.
var glassAnnotations = []string{v1alpha1.BreakGlassAnnotation, v1alpha1.BreakGlassUntilAnnotation, v1alpha1.BreakGlassApproveAnnotation}

// misspelt is an annotation that somebody sets who means another: it begins as
// those that break the glass, and is none of them. Empty if there is none.
func misspelt(req *Request) string {
	before := annotationsIn(req.OldObject)
	after := annotationsIn(req.Object)
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if strings.HasPrefix(name, v1alpha1.BreakGlassAnnotation) && !slices.Contains(glassAnnotations, name) && before[name] != after[name] {
			return name
		}
	}
	return ""
}

// MayBeInEmergency reports whether anything is about breaking the glass in the
// request, its object or its Namespace, as far as they are known. Where nothing
// is, what its user may do in an emergency decides nothing.
func MayBeInEmergency(req *Request) bool {
	if req.Key.Namespace != "" && (req.Namespace == nil || isAboutGlass(req.Namespace.Annotations)) {
		return true
	}
	return isAboutGlass(annotationsIn(req.OldObject)) || isAboutGlass(annotationsIn(req.Object))
}

func isAboutGlass(annotations map[string]string) bool {
	for name := range annotations {
		if strings.HasPrefix(name, v1alpha1.BreakGlassAnnotation) {
			return true
		}
	}
	return false
}
