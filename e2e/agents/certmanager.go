package agents

import (
	"context"
	_ "embed"
	"io"

	"gitonly.dev/gitonly/e2e/controlplane"
	"gitonly.dev/gitonly/e2e/stage"
)

//go:embed certmanager.yaml
var certManagerManifests []byte

// StartCertManager installs cert-manager's kinds, and starts its controller and its cainjector, which
// end with the control plane. It doesn't wait for them: they take up what they find. There is no
// webhook of cert-manager's.
func StartCertManager(ctx context.Context, s *stage.Stage, progress io.Writer) error {
	paths, err := build(ctx, certManager, progress)
	if err != nil {
		return err
	}
	if err := apply(ctx, s, "", paths[certManagerCRDs]); err != nil {
		return err
	}
	if err := waitServed(ctx, s, "certificates.cert-manager.io", "certificaterequests.cert-manager.io", "issuers.cert-manager.io",
		"clusterissuers.cert-manager.io"); err != nil {
		return err
	}
	if err := s.Apply(ctx, certManagerManifests); err != nil {
		return err
	}
	for program, account := range map[string]string{
		certManagerController: "cert-manager", certManagerCAInjector: "cert-manager-cainjector",
	} {
		user, err := s.Plane.ServiceAccountUser(ctx, "cert-manager", account)
		if err != nil {
			return err
		}
		if _, err := s.Plane.Launch(controlplane.Program{
			Name: program, Path: paths[program], Args: []string{"--kubeconfig=" + user.Kubeconfig},
		}); err != nil {
			return err
		}
	}
	return nil
}
