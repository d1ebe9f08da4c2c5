package git

import (
	"context"
	"fmt"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Secrets reads the data of a Secret.
type Secrets func(ctx context.Context, ref gitindex.SecretRef) (map[string][]byte, error)

// Credentials reads a Secret as credentials.
func (s Secrets) Credentials(ctx context.Context, ref gitindex.SecretRef) (Credentials, error) {
	data, err := s(ctx, ref)
	if err != nil {
		return Credentials{}, err
	}
	credentials, err := CredentialsFromSecret(data)
	if err != nil {
		return Credentials{}, fmt.Errorf("reading Secret %q: %w", ref.String(), err)
	}
	return credentials, nil
}
