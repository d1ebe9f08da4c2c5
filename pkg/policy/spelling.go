package policy

import (
	"maps"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

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
