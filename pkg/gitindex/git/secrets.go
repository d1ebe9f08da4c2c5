package git

import (
	"context"
	"fmt"
)

// Secrets reads the data of a Secret by name.
type Secrets func(ctx context.Context, name string) (map[string][]byte, error)

// Credentials reads a Secret as credentials.
func (s Secrets) Credentials(ctx context.Context, name string) (Credentials, error) {
	data, err := s(ctx, name)
	if err != nil {
		return Credentials{}, err
	}
	credentials, err := CredentialsFromSecret(data)
	if err != nil {
		return Credentials{}, fmt.Errorf("reading Secret %q: %w", name, err)
	}
	return credentials, nil
}
