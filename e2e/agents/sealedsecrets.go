package agents

import (
	"context"
	"io"

	"gitonly.dev/gitonly/e2e/stage"
)

// InstallSealedSecrets installs the kind SealedSecret.
func InstallSealedSecrets(ctx context.Context, s *stage.Stage, progress io.Writer) error {
	paths, err := build(ctx, sealedSecrets, progress)
	if err != nil {
		return err
	}
	if err := apply(ctx, s, "", paths[sealedSecretsCRD]); err != nil {
		return err
	}
	return waitServed(ctx, s, "sealedsecrets.bitnami.com")
}
