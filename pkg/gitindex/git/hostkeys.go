package git

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// hostKeys checks a server's host key against known_hosts. There is no way
// round it.
type hostKeys struct {
	who        access
	known      ssh.HostKeyCallback
	algorithms []string // those of the keys known of the server; nil for any
	refusal    error    // why the last key was refused
}

func newHostKeys(who access, server, scratch string) (*hostKeys, error) {
	if len(who.KnownHosts) == 0 {
		return nil, fmt.Errorf("the host key of %s can't be checked: %s", server, who.needKnownHosts())
	}
	// The parser reads files only.
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(scratch, "known_hosts-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(who.KnownHosts)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	db, err := knownhosts.NewDB(file.Name())
	if err != nil {
		why := strings.ReplaceAll(err.Error(), file.Name(), "known_hosts")
		return nil, fmt.Errorf("known_hosts can't be read: %s: %s", who.checkKnownHosts(), why)
	}
	return &hostKeys{who: who, known: db.HostKeyCallback(), algorithms: db.HostKeyAlgorithms(server)}, nil
}

func (h *hostKeys) check(server string, remote net.Addr, key ssh.PublicKey) error {
	err := h.known(server, remote, key)
	offered := fmt.Sprintf("%s %s", key.Type(), ssh.FingerprintSHA256(key))
	switch {
	case err == nil:
		return nil
	case knownhosts.IsHostUnknown(err):
		h.refusal = fmt.Errorf("the host key of %s is not known: if %s is right, add it to %s", server, offered, h.who.knownHosts())
	case knownhosts.IsHostKeyChanged(err):
		h.refusal = fmt.Errorf("the host key of %s is not the one in known_hosts: if %s is right, correct %s; else somebody is in between",
			server, offered, h.who.knownHosts())
	default:
		h.refusal = fmt.Errorf("the host key of %s is refused: %w", server, err)
	}
	return h.refusal
}
