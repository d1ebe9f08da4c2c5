package chart_test

import (
	"testing"

	"gitonly.dev/gitonly/e2e/load"
)

// comesBack has upgrades bring back a registration that was deleted, and keep it,
// while people write.
func (s *served) comesBack(t *testing.T, set ...string) {
	t.Helper()
	people := load.Start(t, s.Users["developer"].Config, "load", 4)
	s.kubectl(t, "admin", "", "delete", "validatingwebhookconfiguration", "gitonly")
	for range 2 {
		s.upgrades(t, set...)
		people.GoOn(t, 200)
	}
	people.End(t)
	if asked := s.kubectl(t, "admin", "", "get", "validatingwebhookconfiguration", "gitonly", "--output=jsonpath={.webhooks[*].failurePolicy}"); asked != "Fail" {
		t.Errorf("the failurePolicy is %q", asked)
	}
}
