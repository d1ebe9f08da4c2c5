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
	return apply(ctx, s, "", paths[sealedSecretsCRD])
}
