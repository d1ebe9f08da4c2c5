package fields

import (
	"strings"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// bookkeeping are the fields of metadata that the API server sets.
var bookkeeping = []string{
	"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation",
	"managedFields", "resourceVersion", "selfLink", "uid",
}

// notes are the annotations by which tools remember something, or ask the sync
// agent to look at Git again. They say nothing that Git could. Those that break
// the glass have rules of their own.
func notes(kind kschema.GroupVersionKind) []string {
	always := []string{
		"kubectl.kubernetes.io/last-applied-configuration",
		v1alpha1.BreakGlassAnnotation, v1alpha1.BreakGlassUntilAnnotation, v1alpha1.BreakGlassApproveAnnotation,
	}
	switch {
	case kind.Group == "apps" && kind.Kind == "DaemonSet":
		// Raised by the API server in each write of the template, and by nobody else.
		return append(always, "deprecated.daemonset.template.generation")
	case kind.Group == "apps" && kind.Kind == "Deployment":
		// The controller's, which writes it again at once.
		return append(always, "deployment.kubernetes.io/revision")
	case kind.Group == "argoproj.io" && kind.Kind == "Application":
		return append(always, "argocd.argoproj.io/refresh", "argocd.argoproj.io/hydrate")
	case kind.Group == "argoproj.io" && kind.Kind == "ApplicationSet":
		return append(always, "argocd.argoproj.io/application-set-refresh")
	case strings.HasSuffix(kind.Group, ".toolkit.fluxcd.io"):
		return append(always, "reconcile.fluxcd.io/requestedAt", "reconcile.fluxcd.io/forceAt", "reconcile.fluxcd.io/resetAt")
	}
	return always
}

// forget drops bookkeeping and these notes from an object.
func forget(object map[string]any, notes []string) {
	delete(object, "apiVersion")
	delete(object, "kind")
	metadata, _ := object["metadata"].(map[string]any)
	for _, name := range bookkeeping {
		delete(metadata, name)
	}
	annotations, ok := metadata["annotations"].(map[string]any)
	if !ok {
		return
	}
	for _, name := range notes {
		delete(annotations, name)
	}
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
}
