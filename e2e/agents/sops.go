package agents

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// SOPS encrypts files to one age key, which it makes.
type SOPS struct {
	// Identity is the key's secret half, as Flux wants it in a Secret.
	Identity string

	command   string
	recipient string
	dir       string
}

// NewSOPS makes a key. It works in dir.
func NewSOPS(ctx context.Context, dir string, progress io.Writer) (*SOPS, error) {
	paths, err := build(ctx, sops, progress)
	if err != nil {
		return nil, err
	}
	identity, err := exec.CommandContext(ctx, paths["age-keygen"]).Output()
	if err != nil {
		return nil, fmt.Errorf("make an age key: %w", err)
	}
	for line := range strings.Lines(string(identity)) {
		if recipient, ok := strings.CutPrefix(line, "# public key: "); ok {
			return &SOPS{
				Identity: string(identity), recipient: strings.TrimSpace(recipient), command: paths["sops"], dir: dir,
			}, nil
		}
	}
	return nil, fmt.Errorf("make an age key: age-keygen printed no public key")
}

// Encrypt returns a manifest with its data and stringData encrypted.
func (s *SOPS) Encrypt(ctx context.Context, manifest string) (string, error) {
	return s.encrypt(ctx, "manifest.yaml", manifest, "--encrypted-regex", "^(data|stringData)$")
}

// EncryptFile returns a file with all its values encrypted, in the format that
// its name stands for.
func (s *SOPS) EncryptFile(ctx context.Context, name, content string) (string, error) {
	return s.encrypt(ctx, name, content)
}

func (s *SOPS) encrypt(ctx context.Context, name, content string, options ...string) (string, error) {
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, s.command, append(append([]string{"encrypt", "--age", s.recipient}, options...), path)...)
	cmd.Dir = s.dir // where no configuration of somebody else's is
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("encrypt %s with sops: %w", name, err) // what it prints may show the content
	}
	return string(out), os.Remove(path)
}
