package node

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestAPodThatWasNeverStartedIsNotReady(t *testing.T) {
	p := &pod{spec: &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "without-readiness-probe"}}}}}
	if err := (&Node{}).start(t.Context(), p); err == nil || err.Error() != "only Pods with a readinessProbe by HTTP are known here" {
		t.Fatalf("starting it: %v", err)
	}
	if p.probe(t.Context()) {
		t.Error("it is ready")
	}
}
