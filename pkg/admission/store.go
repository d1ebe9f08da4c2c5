package admission

import (
	"errors"
	"net/http"
	"sync/atomic"

	"gitonly.dev/gitonly/pkg/policy"
)

// PolicyStore holds the current policy. The zero store has none yet, which is
// not the same as a policy that guards nothing. It is safe for concurrent use.
type PolicyStore struct {
	current atomic.Pointer[policy.Policy]
	agents  atomic.Pointer[policy.Agents]
	self    atomic.Pointer[string]
}

// Set makes p the current policy, but for its Agents and Self.
func (s *PolicyStore) Set(p policy.Policy) { s.current.Store(&p) }

// SetAgents makes these the agents of the current policy and of those to come.
func (s *PolicyStore) SetAgents(agents policy.Agents) { s.agents.Store(&agents) }

// SetSelf makes this gitonly's own user in the current policy and in those to
// come.
func (s *PolicyStore) SetSelf(user string) { s.self.Store(&user) }

// Current returns the current policy; one that guards nothing before the first.
func (s *PolicyStore) Current() policy.Policy {
	p := s.current.Load()
	if p == nil {
		return policy.Policy{}
	}
	current := *p
	if agents := s.agents.Load(); agents != nil {
		current.Agents = *agents
	}
	if self := s.self.Load(); self != nil {
		current.Self = *self
	}
	return current
}

// Loaded returns an error until there is a policy.
func (s *PolicyStore) Loaded() error {
	if s.current.Load() == nil {
		return errors.New("no GuardPolicy has been read yet")
	}
	return nil
}

// Guarded answers 503 until there is a policy, so that the API server does what
// the registration's failurePolicy says, and hands on to next from then on.
func (s *PolicyStore) Guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.Loaded(); err != nil {
			http.Error(w, "gitonly: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}
