package fields

import (
	"maps"
	"slices"
	"strings"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// bookkeeping are the fields of metadata that the API server sets.
var bookkeeping = []string{
	"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation",
	"managedFields", "resourceVersion", "selfLink", "uid",
}

// isNote reports whether an annotation of a kind is one by which tools remember
// something, or ask the sync agent to look at Git again. These say nothing that
// Git could. Those that break the glass have rules of their own.
func isNote(name string, kind kschema.GroupVersionKind) bool {
	switch name {
	case "kubectl.kubernetes.io/last-applied-configuration",
		v1alpha1.BreakGlassAnnotation, v1alpha1.BreakGlassUntilAnnotation, v1alpha1.BreakGlassApproveAnnotation:
		return true
	case "deprecated.daemonset.template.generation":
		// Raised by the API server in each write of the template, and by nobody else.
		return kind.Group == "apps" && kind.Kind == "DaemonSet"
	case "deployment.kubernetes.io/revision":
		// The controller's, which writes it again at once.
		return kind.Group == "apps" && kind.Kind == "Deployment"
	case "argocd.argoproj.io/refresh", "argocd.argoproj.io/hydrate":
		return kind.Group == "argoproj.io" && kind.Kind == "Application"
	case "argocd.argoproj.io/application-set-refresh":
		return kind.Group == "argoproj.io" && kind.Kind == "ApplicationSet"
	case "reconcile.fluxcd.io/requestedAt", "reconcile.fluxcd.io/forceAt", "reconcile.fluxcd.io/resetAt":
		return strings.HasSuffix(kind.Group, ".toolkit.fluxcd.io")
	}
	return false
}

// forget drops bookkeeping and notes from an object. Where there are none it only
// reads: the object may be shared then.
func forget(object map[string]any, kind kschema.GroupVersionKind) {
	maps.DeleteFunc(object, func(name string, _ any) bool { return name == "apiVersion" || name == "kind" })
	metadata, _ := object["metadata"].(map[string]any)
	maps.DeleteFunc(metadata, func(name string, _ any) bool { return slices.Contains(bookkeeping, name) })
	annotations, ok := metadata["annotations"].(map[string]any)
	if !ok {
		return
	}
	maps.DeleteFunc(annotations, func(name string, _ any) bool { return isNote(name, kind) })
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
}
