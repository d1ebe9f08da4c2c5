package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"golang.org/x/crypto/ssh"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// sshRemote runs git-upload-pack at the other end of an SSH connection.
type sshRemote struct {
	client  *ssh.Client
	session *ssh.Session
	stdin   io.WriteCloser
	stdout  io.Reader
	stderr  beginning
	stop    func() bool

	advertised *refs
	asked      bool
}

func dialSSH(ctx context.Context, a address, who access, scratch string, limit int64) (*sshRemote, error) {
	if who.Proxy != nil {
		return nil, errors.New("its proxy is only used for https and http: use such a URL")
	}
	server := a.hostPort("22")
	hostKeys, err := newHostKeys(who, server, scratch)
	if err != nil {
		return nil, err
	}
	auth, err := sshAuth(a, who)
	if err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", server)
	if err != nil {
		return nil, &connectError{err}
	}
	// Neither handshake nor session knows of contexts.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	r := &sshRemote{stop: stop}
	c, channels, requests, err := ssh.NewClientConn(conn, server, &ssh.ClientConfig{
		User:              sshUser(a, who),
		Auth:              auth,
		HostKeyCallback:   hostKeys.check,
		HostKeyAlgorithms: hostKeys.algorithms,
	})
	if err != nil {
		stop()
		_ = conn.Close()
		return nil, sshHandshakeError(err, hostKeys, who)
	}
	r.client = ssh.NewClient(c, channels, requests)
	if err := r.start(a.path, limit); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

func sshUser(a address, who access) string {
	for _, user := range []string{a.username, who.Username} {
		if user != "" {
			return user
		}
	}
	return "git"
}

func sshAuth(a address, who access) ([]ssh.AuthMethod, error) {
	if len(who.SSHKey) > 0 {
		signer, err := ssh.ParsePrivateKey(who.SSHKey)
		if missing := (*ssh.PassphraseMissingError)(nil); errors.As(err, &missing) {
			if who.ofArgoCD() {
				return nil, fmt.Errorf("the SSH key is encrypted, which Argo CD has no passphrase for: put one that isn't into Secret %q", who.from.String())
			}
			if who.SSHKeyPassphrase == "" {
				return nil, fmt.Errorf("the SSH key is encrypted: %s", who.in("its passphrase as password"))
			}
			signer, err = ssh.ParsePrivateKeyWithPassphrase(who.SSHKey, []byte(who.SSHKeyPassphrase))
		}
		if err != nil {
			return nil, fmt.Errorf("the SSH key can't be read: %s: %w", who.checkSecret(), err)
		}
		return []ssh.AuthMethod{ssh.PublicKeys(signer)}, nil
	}
	for _, password := range []string{who.Password, a.password} {
		if password != "" {
			return []ssh.AuthMethod{ssh.Password(password)}, nil
		}
	}
	if who.from == (gitindex.SecretRef{}) {
		return nil, errors.New("needs credentials: set secretRef to a Secret with identity and known_hosts")
	}
	return nil, fmt.Errorf("needs credentials: %s", who.in(who.sshKey()+", an SSH private key,"))
}

func sshHandshakeError(err error, hostKeys *hostKeys, who access) error {
	switch {
	case hostKeys.refusal != nil:
		return hostKeys.refusal
	case strings.Contains(err.Error(), "unable to authenticate"):
		return fmt.Errorf("authentication refused: %s", who.checkSecret())
	default:
		return &connectError{err}
	}
}

// start runs the command. Its path is quoted for a shell, as git does it.
func (r *sshRemote) start(path string, limit int64) (err error) {
	if r.session, err = r.client.NewSession(); err != nil {
		return &connectError{err}
	}
	if r.stdin, err = r.session.StdinPipe(); err != nil {
		return &connectError{err}
	}
	stdout, err := r.session.StdoutPipe()
	if err != nil {
		return &connectError{err}
	}
	r.stdout = &bounded{ReadCloser: io.NopCloser(stdout), limit: limit}
	r.session.Stderr = &r.stderr
	quoted := strings.NewReplacer(`'`, `'\''`, `!`, `'\!'`).Replace(path)
	if err := r.session.Start(service + " '" + quoted + "'"); err != nil {
		return &connectError{err}
	}
	return nil
}

func (r *sshRemote) refs(context.Context) (found *refs, err error) {
	r.advertised, err = readRefs(r.stdout)
	if errors.Is(err, packp.ErrEmptyInput) {
		return nil, r.explain(err)
	}
	return r.advertised, err
}

func (r *sshRemote) pack(_ context.Context, wants []plumbing.Hash, shallow bool) (io.ReadCloser, error) {
	req, err := ask(r.advertised, wants, shallow)
	if err != nil {
		return nil, err
	}
	r.asked = true
	if err := writeRequest(r.stdin, req); err != nil {
		return nil, r.explain(err)
	}
	if err := r.stdin.Close(); err != nil {
		return nil, r.explain(err)
	}
	return readPack(req, io.NopCloser(r.stdout))
}

// explain prefers what the remote command complained of before it ended.
func (r *sshRemote) explain(err error) error {
	_ = r.stdin.Close()
	_ = r.session.Wait()
	if said := r.stderr.String(); strings.TrimSpace(said) != "" {
		return serverError(said)
	}
	return err
}

func (r *sshRemote) Close() error {
	if r.advertised != nil && !r.asked {
		// Says goodbye, lest the server logs a lost connection.
		_, _ = r.stdin.Write(pktline.FlushPkt)
	}
	r.stop()
	return r.client.Close()
}
