package gitserver

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// SSHOptions say how repositories are served over SSH. The zero value lets
// nobody in.
type SSHOptions struct {
	Address        string   // such as 127.0.0.1:2222; a free port of loopback if empty
	AuthorizedKeys [][]byte // as in an authorized_keys file
	Password       string   // let in too, if set
	HostKey        []byte   // PEM; a new one if empty
}

// SSHServer serves the repositories of a folder by SSH, to the user git.
type SSHServer struct {
	URL        string // of the folder: a repository is at URL + "/name.git"
	Address    string // host:port
	KnownHosts []byte // the line that vouches for the server

	root     string
	config   *ssh.ServerConfig
	listener net.Listener
}

// GenerateKey makes a key pair: the private key as PEM, the public key as a
// line of an authorized_keys file.
func GenerateKey() (private, public []byte, err error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making an SSH key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(key, "gitonly e2e")
	if err != nil {
		return nil, nil, fmt.Errorf("making an SSH key: %w", err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("making an SSH key: %w", err)
	}
	return pem.EncodeToMemory(block), ssh.MarshalAuthorizedKey(signer.PublicKey()), nil
}

// ServeSSH serves the repositories below root until Close.
func ServeSSH(root string, options SSHOptions) (*SSHServer, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if options.HostKey == nil {
		if options.HostKey, _, err = GenerateKey(); err != nil {
			return nil, err
		}
	}
	host, err := ssh.ParsePrivateKey(options.HostKey)
	if err != nil {
		return nil, fmt.Errorf("reading the SSH host key: %w", err)
	}
	config, err := serverConfig(options)
	if err != nil {
		return nil, err
	}
	config.AddHostKey(host)
	listener, err := listen(options.Address)
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	s := &SSHServer{
		URL:        "ssh://git@" + address,
		Address:    address,
		KnownHosts: []byte(knownhosts.Line([]string{knownhosts.Normalize(address)}, host.PublicKey()) + "\n"),
		root:       root, config: config, listener: listener,
	}
	go s.accept()
	return s, nil
}

// Close ends the server. Connections that are open run on to their end.
func (s *SSHServer) Close() error { return s.listener.Close() }

func serverConfig(o SSHOptions) (*ssh.ServerConfig, error) {
	authorized := map[string]bool{}
	for _, line := range o.AuthorizedKeys {
		key, _, _, _, err := ssh.ParseAuthorizedKey(line)
		if err != nil {
			return nil, fmt.Errorf("reading an authorized SSH key: %w", err)
		}
		authorized[string(key.Marshal())] = true
	}
	refused := errors.New("refused")
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if c.User() == "git" && authorized[string(key.Marshal())] {
				return nil, nil
			}
			return nil, refused
		},
	}
	if o.Password != "" {
		config.PasswordCallback = func(c ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if c.User() == "git" && same(string(password), o.Password) {
				return nil, nil
			}
			return nil, refused
		}
	}
	return config, nil
}

func (s *SSHServer) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		go s.serve(conn)
	}
}

func (s *SSHServer) serve(conn net.Conn) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for channel := range channels {
		if channel.ChannelType() != "session" {
			_ = channel.Reject(ssh.UnknownChannelType, "sessions only")
			continue
		}
		session, requests, err := channel.Accept()
		if err != nil {
			return
		}
		go s.session(session, requests)
	}
}

func (s *SSHServer) session(session ssh.Channel, requests <-chan *ssh.Request) {
	defer session.Close()
	for request := range requests {
		if request.Type != "exec" {
			_ = request.Reply(false, nil)
			continue
		}
		_ = request.Reply(true, nil)
		var payload struct{ Command string }
		status := uint32(128)
		if err := ssh.Unmarshal(request.Payload, &payload); err == nil {
			status = s.exec(session, payload.Command)
		}
		_, _ = session.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
		return
	}
}

// exec runs git-upload-pack or git-receive-pack on a repository below root.
func (s *SSHServer) exec(session ssh.Channel, line string) uint32 {
	command, argument, _ := strings.Cut(line, " ")
	if command != "git-upload-pack" && command != "git-receive-pack" {
		fmt.Fprintf(session.Stderr(), "%s: not served\n", command)
		return 127
	}
	// Rooted before it is joined, so that .. can't leave root.
	repository := path.Clean("/" + strings.Trim(argument, "'"))
	cmd := exec.Command("git", strings.TrimPrefix(command, "git-"), filepath.Join(s.root, repository))
	cmd.Env = Env()
	cmd.Stdout, cmd.Stderr = session, session.Stderr()
	// A pipe of our own: cmd.Stdin would keep Run waiting for the client to
	// end its input, which may never come.
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return 128
	}
	if err := cmd.Start(); err != nil {
		return 128
	}
	go func() {
		_, _ = io.Copy(stdin, session)
		_ = stdin.Close()
	}()
	var exit *exec.ExitError
	switch err := cmd.Wait(); {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return uint32(exit.ExitCode())
	default:
		return 128
	}
}
