package sweep

import "testing"

func TestSweep(t *testing.T) {
	if testing.Short() {
		t.Skip("a sweep takes minutes")
	}
	s := open(t.Context(), t)
	s.reportCoverage(t)
	t.Run("mutation", s.mutation)
	t.Run("peace", s.peace)
	t.Run("convergence", s.convergence)
	t.Run("by the agent", s.byTheAgent)
	t.Run("control plane", s.controlPlane)
}
