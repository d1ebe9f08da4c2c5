package controlplane

import (
	"context"
	"fmt"
)

// RestartAPIServer kills kube-apiserver, and starts it again on what etcd holds. Address, certificates
// and flags stay as they were, so all users and clients are still good; args are as
// Options.APIServerArgs, on top of those. It returns when the API server is ready.
func (c *ControlPlane) RestartAPIServer(ctx context.Context, args ...string) error {
	flags, err := parseFlags(args)
	if err != nil {
		return err
	}
	for _, flag := range flags {
		c.plane.APIServer.Configure().Set(flag.name, flag.values...)
	}
	c.launcher.kill(apiServerName)
	if err := c.launcher.gone(apiServerName); err != nil {
		return err
	}
	c.launcher.do(func() { err = c.plane.APIServer.Start() })
	if err != nil {
		return fmt.Errorf("start the API server again: %w", c.explain(apiServerName, err))
	}
	if err := c.waitForAPIServer(ctx); err != nil {
		return fmt.Errorf("start the API server again: %w", err)
	}
	return nil
}
