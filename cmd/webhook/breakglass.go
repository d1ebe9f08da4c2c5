package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/breakglass"
)

// breakGlass gives the handler what breaking the glass takes, and Events, and has
// the leader close emergencies that are over.
func (p *parts) breakGlass(access *rest.Config, handling *admission.Parts) error {
	m := p.manager
	direct, err := p.direct(access)
	if err != nil {
		return fmt.Errorf("making a client for the records of emergencies: %w", err)
	}
	if err := p.report(direct, handling); err != nil {
		return err
	}
	handling.Events = m.GetEventRecorder("gitonly")
	teller, err := breakglass.NewTeller(handling.Events, metrics.Registry)
	if err != nil {
		return err
	}
	handling.Emergencies = breakglass.NewRecords(direct, teller, p.index.Current)
	handling.Permissions = breakglass.NewPermissions(direct, clock.RealClock{})
	if err := breakglass.AddKeeper(m, p.leader.Only, p.policies.Current, p.index.Current, teller, p.log.WithName("breakglass")); err != nil {
		return err
	}
	return m.Add(everywhere(func(ctx context.Context) error { return p.findSelf(ctx, direct) }))
}

// findSelf finds out which user gitonly is: nobody else writes the records of
// emergencies.
func (p *parts) findSelf(ctx context.Context, direct client.Client) error {
	_ = wait.PollUntilContextCancel(ctx, 5*time.Second, true, func(ctx context.Context) (bool, error) {
		self, err := breakglass.Self(ctx, direct)
		if err != nil {
			p.log.Error(err, "emergencies can't be recorded yet")
			return false, nil
		}
		p.policies.SetSelf(self)
		return true, nil
	}) // else ctx has ended
	return nil
}
