package agents

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"gitonly.dev/gitonly/e2e/controlplane"
	"gitonly.dev/gitonly/e2e/stage"
)

//go:embed sealedsecrets.yaml
var sealedSecretsManifests []byte

// ErrNoNamespaces says that this machine gives a process no file system of its own, which Sealed
// Secrets' controller needs: it finds the API server only by files at a fixed place.
var ErrNoNamespaces = errors.New("unshare --map-root-user --mount isn't permitted here")

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

// SealedSecrets is a running controller. It ends with the control plane.
type SealedSecrets struct {
	kubeseal    string
	certificate string // path of what to seal with
}

// inPod runs a program where the files of its first argument are those that a Pod has of its service
// account. What ends a program with its parent doesn't outlive the change of namespace.
const inPod = `
set -e
mount -t tmpfs tmpfs /var/run
mkdir -p /var/run/secrets/kubernetes.io/serviceaccount
cp "$1"/* /var/run/secrets/kubernetes.io/serviceaccount
shift
if setpriv --pdeathsig KILL true 2>/dev/null; then set -- setpriv --pdeathsig KILL "$@"; fi
exec "$@"
`

// StartSealedSecrets starts the controller as kube-system/sealed-secrets-controller, and returns when it
// has made its key. The kind must be installed. The error is ErrNoNamespaces where it can't run.
func StartSealedSecrets(ctx context.Context, s *stage.Stage, progress io.Writer) (*SealedSecrets, error) {
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		return nil, ErrNoNamespaces
	}
	separate := []string{"--map-root-user", "--mount", "sh", "-c"}
	if exec.CommandContext(ctx, unshare, append(separate, "mount -t tmpfs tmpfs /var/run")...).Run() != nil {
		return nil, ErrNoNamespaces
	}
	paths, err := build(ctx, sealedSecrets, progress)
	if err != nil {
		return nil, err
	}
	if err := s.Apply(ctx, sealedSecretsManifests); err != nil {
		return nil, err
	}
	dir := filepath.Join(s.Plane.Dir, "sealed-secrets")
	env, err := podFiles(ctx, s, filepath.Join(dir, "account"))
	if err != nil {
		return nil, fmt.Errorf("prepare Sealed Secrets' controller: %w", err)
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	controller, err := s.Plane.Launch(controlplane.Program{
		Name: "sealed-secrets-controller", Path: unshare, Env: env,
		Args: append(separate, inPod, "sh", filepath.Join(dir, "account"), paths["sealed-secrets-controller"],
			"--listen-addr="+local(ports[0]), "--listen-metrics-addr="+local(ports[1])),
	})
	if err != nil {
		return nil, err
	}
	if err := waitUp(ctx, s, "sealed-secrets-controller", controller, "http://"+local(ports[0])+"/healthz"); err != nil {
		return nil, err
	}
	sealed := &SealedSecrets{kubeseal: paths["kubeseal"], certificate: filepath.Join(dir, "certificate.pem")}
	return sealed, sealed.fetchCertificate(ctx, s)
}

// podFiles writes what a Pod has of its service account, and returns the environment of a Pod.
func podFiles(ctx context.Context, s *stage.Stage, dir string) (env []string, err error) {
	user, err := s.Plane.ServiceAccountUser(ctx, "kube-system", "sealed-secrets-controller")
	if err != nil {
		return nil, err
	}
	host, err := url.Parse(user.Config.Host)
	if err != nil {
		return nil, err
	}
	if host.Host == "" { // without a scheme
		host.Host = user.Config.Host
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for name, content := range map[string][]byte{
		"token": []byte(user.Config.BearerToken), "ca.crt": user.Config.CAData, "namespace": []byte("kube-system"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, err
		}
	}
	return []string{
		"KUBERNETES_SERVICE_HOST=" + host.Hostname(), "KUBERNETES_SERVICE_PORT=" + host.Port(), "POD_NAMESPACE=kube-system",
	}, nil
}

// fetchCertificate waits for the controller's key, and keeps its public half.
func (s *SealedSecrets) fetchCertificate(ctx context.Context, on *stage.Stage) error {
	var encoded []byte
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		var err error
		encoded, err = on.Plane.Kubectl(ctx, on.Plane.Admin, "get", "secret", "--namespace=kube-system",
			"--selector=sealedsecrets.bitnami.com/sealed-secrets-key=active", `--output=jsonpath={.items[*].data.tls\.crt}`).Output()
		return len(encoded) > 0, err
	})
	if err != nil {
		return fmt.Errorf("wait for the key of Sealed Secrets' controller: %w", err)
	}
	certificate, err := base64.StdEncoding.DecodeString(string(encoded))
	if err != nil {
		return fmt.Errorf("read the certificate of Sealed Secrets' controller: %w", err)
	}
	return os.WriteFile(s.certificate, certificate, 0o600)
}

// Seal returns the SealedSecret of a Secret's manifest.
func (s *SealedSecrets) Seal(ctx context.Context, manifest string) (string, error) {
	cmd := exec.CommandContext(ctx, s.kubeseal, "--cert", s.certificate, "--format", "yaml")
	cmd.Stdin = strings.NewReader(manifest)
	var complained bytes.Buffer
	cmd.Stderr = &complained
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("seal a manifest with kubeseal: %w: %s", err, complained.Bytes())
	}
	return string(out), nil
}
