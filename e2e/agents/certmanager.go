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

// CertManager is cert-manager's running controller and cainjector. They end with the control plane.
type CertManager struct {
	CAInjector *controlplane.Process
}

// StartCertManager installs cert-manager's kinds, and starts its controller and its cainjector. It
// doesn't wait for them: they take up what they find. There is no webhook of cert-manager's.
func StartCertManager(ctx context.Context, s *stage.Stage, progress io.Writer) (*CertManager, error) {
	paths, err := build(ctx, certManager, progress)
	if err != nil {
		return nil, err
	}
	if err := apply(ctx, s, "", paths[certManagerCRDs]); err != nil {
		return nil, err
	}
	if err := waitServed(ctx, s, "certificates.cert-manager.io", "certificaterequests.cert-manager.io", "issuers.cert-manager.io",
		"clusterissuers.cert-manager.io"); err != nil {
		return nil, err
	}
	if err := s.Apply(ctx, certManagerManifests); err != nil {
		return nil, err
	}
	launch := func(program, account string) (*controlplane.Process, error) {
		user, err := s.Plane.ServiceAccountUser(ctx, "cert-manager", account)
		if err != nil {
			return nil, err
		}
		return s.Plane.Launch(controlplane.Program{Name: program, Path: paths[program], Args: []string{"--kubeconfig=" + user.Kubeconfig}})
	}
	if _, err := launch(certManagerController, "cert-manager"); err != nil {
		return nil, err
	}
	injector, err := launch(certManagerCAInjector, "cert-manager-cainjector")
	return &CertManager{CAInjector: injector}, err
}
