package policy

import (
	"cmp"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
)

// identity is a user whose writes nobody judges: an agent's, or the control
// plane's. Whoever can act as one has a way around Git.
type identity struct {
	name string // as a message says it
	user User

	appointed bool // the request doesn't take the identity: it has discovery trust it
}

func serviceAccount(namespace, name string) identity {
	return identity{
		name: fmt.Sprintf("ServiceAccount %s/%s", namespace, name),
		user: User{
			Name:   serviceAccountPrefix + namespace + ":" + name,
			Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
		},
	}
}

// trusts reports whether nobody judges what the user does, or not all of it.
func (c *decision) trusts(g *Guard, u User) bool {
	if g.agents.has(u) || g.system.has(u) {
		return true
	}
	_, found := c.agents[u.Name]
	return g.discover && found
}

// taken returns the trusted identity that the request would let its user act
// as; nil if there is none. Tokens and certificates are nobody's to make but
// the control plane's; workloads are kept from people alone, as operators and
// the agent's own tools run agents.
func (c *decision) taken(g *Guard, actor Actor) *identity {
	if actor == System || actor == Agent {
		return nil
	}
	if who, ok := c.appointed(); ok && g.discover && c.loadedAnything() && !c.trusts(g, who.user) {
		return &who
	}
	who, ok := c.credentials()
	if ok {
		ok = c.trusts(g, who.user)
	} else if actor == Person {
		who, ok = c.lends(g)
	}
	if !ok {
		return nil
	}
	return &who
}

// lends is somebody trusted whom a Pod that the request changes, makes or enters
// runs as. An update that leaves the object as it is lends nothing.
func (c *decision) lends(g *Guard) (identity, bool) {
	who, ok := c.runsAs(g)
	if !ok || !c.trusts(g, who.user) || c.req.Operation == Update && c.changesNothing() {
		return identity{}, false
	}
	return who, true
}

// credentials is whom a token or certificate that the request makes is for.
func (c *decision) credentials() (identity, bool) {
	req := c.req
	switch {
	case isCore(req, "ServiceAccount") && req.Subresource == "token":
		return serviceAccount(req.Key.Namespace, req.Key.Name), true
	case isCore(req, "Secret"):
		name := tokenOf(req.Object)
		return serviceAccount(req.Key.Namespace, name), name != "" && name != tokenOf(req.OldObject)
	case req.Key.Group == "certificates.k8s.io" && req.Key.Kind == "CertificateSigningRequest" && req.Subresource == "approval":
		return clientCertificate(req.Object)
	}
	return identity{}, false
}

func isCore(req *Request, kind string) bool { return req.Key.Group == "" && req.Key.Kind == kind }

// tokenOf is the service account whose token a Secret is to hold.
func tokenOf(secret []byte) string {
	var object struct {
		Type     string `json:"type"`
		Metadata struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
	}
	if len(secret) == 0 || json.Unmarshal(secret, &object) != nil || object.Type != "kubernetes.io/service-account-token" {
		return ""
	}
	return object.Metadata.Annotations["kubernetes.io/service-account.name"]
}

// clientCertificate is the user of a certificate that the API server would take
// for one.
func clientCertificate(request []byte) (identity, bool) {
	var object struct {
		Spec struct {
			Request    []byte `json:"request"`
			SignerName string `json:"signerName"`
		} `json:"spec"`
	}
	if json.Unmarshal(request, &object) != nil || object.Spec.SignerName != "kubernetes.io/kube-apiserver-client" {
		return identity{}, false
	}
	block, _ := pem.Decode(object.Spec.Request)
	if block == nil {
		return identity{}, false
	}
	parsed, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return identity{}, false // the signer can't read it either
	}
	user := User{Name: parsed.Subject.CommonName, Groups: parsed.Subject.Organization}
	name := "user " + user.Name
	if len(user.Groups) > 0 {
		name += " of " + strings.Join(user.Groups, ", ")
	}
	return identity{name: name, user: user}, true
}

// runsAs is whom a Pod that the request changes, makes or enters runs as. It is
// not looked for where nobody is trusted whom a Pod can run as.
func (c *decision) runsAs(g *Guard) (identity, bool) {
	req := c.req
	if req.Operation == Connect {
		return serviceAccount(req.Key.Namespace, req.PodAccount), entersPod(req)
	}
	if req.Operation != Create && req.Operation != Update || c.snap.Lookup(req.Key) != nil {
		return identity{}, false // what Git declares is judged by its fields
	}
	if !c.trustsSomeIn(g, req.Key.Namespace) {
		return identity{}, false
	}
	var object struct {
		Spec podHolder `json:"spec"`
	}
	if len(req.Object) == 0 || json.Unmarshal(req.Object, &object) != nil {
		return identity{}, false
	}
	account, ok := object.Spec.account(req.Key.Kind == "Pod")
	if !ok {
		return identity{}, false
	}
	return serviceAccount(req.Key.Namespace, account), true
}

// podHolder is the spec of a Pod, or of something that makes Pods.
type podHolder struct {
	ServiceAccountName       string     `json:"serviceAccountName"`
	DeprecatedServiceAccount string     `json:"serviceAccount"`
	Template                 *podParent `json:"template"`
	JobTemplate              *podParent `json:"jobTemplate"`
}

type podParent struct {
	Spec *podHolder `json:"spec"`
}

// account is the service account that the Pods run as; ok is false if there are
// none.
func (h *podHolder) account(isPod bool) (name string, ok bool) {
	switch {
	case isPod:
		return cmp.Or(h.ServiceAccountName, h.DeprecatedServiceAccount, "default"), true
	case h.JobTemplate != nil && h.JobTemplate.Spec != nil:
		return h.JobTemplate.Spec.account(false)
	case h.Template != nil && h.Template.Spec != nil:
		return h.Template.Spec.account(true)
	}
	return "", false
}

func entersPod(req *Request) bool {
	return isCore(req, "Pod") && slices.Contains([]string{"exec", "attach"}, req.Subresource)
}

// needsPodAccount reports whether a request enters a Pod in a namespace where
// one may run as a trusted identity.
func (c *decision) needsPodAccount(g *Guard, actor Actor) bool {
	req := c.req
	if actor != Person || req.Operation != Connect || !entersPod(req) {
		return false
	}
	return c.trustsSomeIn(g, req.Key.Namespace)
}

// trustsSomeIn reports whether any of a namespace's service accounts may be
// trusted.
func (c *decision) trustsSomeIn(g *Guard, namespace string) bool {
	prefix := serviceAccountPrefix + namespace + ":"
	if g.discover {
		for user := range c.agents {
			if strings.HasPrefix(user, prefix) {
				return true
			}
		}
	}
	for _, s := range []subjects{g.agents, g.system} {
		if slices.ContainsFunc(s.users, func(user string) bool { return strings.HasPrefix(user, prefix) }) ||
			s.has(User{Groups: serviceAccount(namespace, "").user.Groups}) {
			return true
		}
	}
	return false
}
