package controlplane

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// tokenSeconds is how long a ServiceAccount's token is valid.
const tokenSeconds = 24 * 60 * 60

// User is someone the API server knows.
type User struct {
	// Name is what the API server calls the user.
	Name string
	// Kubeconfig is the path of a kubeconfig file. Stop removes it.
	Kubeconfig string
	// Config is for clients in this process. Nothing limits its rate of requests.
	Config *rest.Config
}

// AddUser makes a user in the given groups, with a client certificate that is valid for a week.
// What the user may do is for RBAC to say; in the group system:masters, that is everything.
func (c *ControlPlane) AddUser(name string, groups ...string) (User, error) {
	c.users.Lock() // envtest numbers its certificates without one
	defer c.users.Unlock()
	user, err := c.plane.AddUser(envtest.User{Name: name, Groups: groups}, nil)
	if err != nil {
		return User{}, fmt.Errorf("make a certificate for user %s: %w", name, err)
	}
	return c.user(name, user.Config())
}

// ServiceAccountUser returns a ServiceAccount as a user, with a token that is valid for a day. The
// ServiceAccount must exist; it isn't made.
func (c *ControlPlane) ServiceAccountUser(ctx context.Context, namespace, name string) (User, error) {
	client, err := kubernetes.NewForConfig(c.Admin.Config)
	if err != nil {
		return User{}, err
	}
	seconds := int64(tokenSeconds)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	token, err := client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return User{}, fmt.Errorf("request a token for ServiceAccount %s/%s: %w", namespace, name, err)
	}
	config := rest.AnonymousClientConfig(c.Admin.Config)
	config.BearerToken = token.Status.Token
	return c.user("system:serviceaccount:"+namespace+":"+name, config)
}

// user writes the kubeconfig of a config.
func (c *ControlPlane) user(name string, config *rest.Config) (User, error) {
	config.QPS = -1
	const entry = "controlplane"
	kubeconfig := clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{entry: {
			Server: config.Host, CertificateAuthorityData: config.CAData,
		}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{entry: {
			ClientCertificateData: config.CertData, ClientKeyData: config.KeyData, Token: config.BearerToken,
		}},
		Contexts:       map[string]*clientcmdapi.Context{entry: {Cluster: entry, AuthInfo: entry}},
		CurrentContext: entry,
	}
	text, err := clientcmd.Write(kubeconfig)
	if err != nil {
		return User{}, fmt.Errorf("write the kubeconfig of user %s: %w", name, err)
	}
	file, err := os.CreateTemp(c.state, "*.kubeconfig")
	if err != nil {
		return User{}, fmt.Errorf("write the kubeconfig of user %s: %w", name, err)
	}
	defer file.Close()
	if _, err := file.Write(text); err != nil {
		return User{}, fmt.Errorf("write the kubeconfig of user %s: %w", name, err)
	}
	return User{Name: name, Kubeconfig: filepath.Clean(file.Name()), Config: config}, nil
}
