package git

import (
	"fmt"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// access is what a fetch knows of who it is.
type access struct {
	Credentials
	from gitindex.SecretRef // what they are from; the zero value if from nothing
}

func (a access) ofArgoCD() bool { return a.from.Form == gitindex.ArgoCDSecret }

// checkSecret says where to look when a server didn't like the credentials.
func (a access) checkSecret() string {
	if a.from.Name == "" {
		return "check the user and password in the URL"
	}
	return fmt.Sprintf("check Secret %q", a.from.String())
}

// in names the place where a key that is needed would go.
func (a access) in(key string) string {
	switch {
	case a.from.Name != "":
		return fmt.Sprintf("add %s to Secret %q", key, a.from.String())
	case a.ofArgoCD():
		return fmt.Sprintf("add a Secret with %s for the repository to namespace %s of Argo CD", key, a.from.Namespace)
	}
	return fmt.Sprintf("set secretRef to a Secret with %s", key)
}

// sshKey is what the SSH key is called where it belongs.
func (a access) sshKey() string {
	if a.ofArgoCD() {
		return "sshPrivateKey"
	}
	return "identity"
}

// knownHosts is what the host keys are called where they are.
func (a access) knownHosts() string {
	if a.ofArgoCD() {
		return fmt.Sprintf("ssh_known_hosts in ConfigMap %q", a.from.Namespace+"/"+knownHostsMap)
	}
	if a.from.Name == "" {
		return "known_hosts"
	}
	return fmt.Sprintf("known_hosts in Secret %q", a.from.String())
}

// needKnownHosts says how host keys come to be known.
func (a access) needKnownHosts() string {
	if a.ofArgoCD() {
		return "add it to " + a.knownHosts()
	}
	return a.in("known_hosts")
}

// checkKnownHosts says where to look for what is wrong with them.
func (a access) checkKnownHosts() string {
	if a.ofArgoCD() {
		return "check " + a.knownHosts()
	}
	return a.checkSecret()
}

// ca is what the certificates to trust are called.
func (a access) ca(host string) string {
	if a.ofArgoCD() {
		return fmt.Sprintf("%s in ConfigMap %q", host, a.from.Namespace+"/"+certificatesMap)
	}
	return "ca.crt"
}

// needCA says how a certificate comes to be trusted.
func (a access) needCA(host string) string {
	if a.ofArgoCD() {
		return "add its CA as " + a.ca(host) + " (what insecure says of it doesn't count)"
	}
	return a.in("its CA as ca.crt")
}

// checkCA says where to look for what is wrong with them.
func (a access) checkCA() string {
	if a.ofArgoCD() {
		return "correct it"
	}
	return a.checkSecret()
}
