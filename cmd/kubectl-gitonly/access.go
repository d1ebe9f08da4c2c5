package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	admissionregistration "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// access are the flags of the commands that ask a cluster.
type access struct{ kubeconfig, context string }

func (a *access) bind(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.kubeconfig, "kubeconfig", "", "file that says how to reach the API server; as kubectl's")
	cmd.Flags().StringVar(&a.context, "context", "", "context of the kubeconfig; its current one if empty")
}

// config says how to reach the cluster that kubectl would use, and the namespace
// that it would take.
func (a *access) config() (*rest.Config, string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = a.kubeconfig
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: a.context})
	config, err := loader.ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, "", errors.New("finding the cluster: there is no kubeconfig: name one with --kubeconfig, or in $KUBECONFIG")
	}
	if err != nil {
		return nil, "", fmt.Errorf("finding the cluster: %w", err)
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return nil, "", fmt.Errorf("finding the namespace: %w", err)
	}
	return config, namespace, nil
}

// client returns a client of that cluster for gitonly's kinds, its registration's and
// the core ones.
func (a *access) client() (client.Client, error) {
	config, _, err := a.config()
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(v1alpha1.AddToScheme(scheme), corev1.AddToScheme(scheme), admissionregistration.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	return client.New(config, client.Options{Scheme: scheme})
}
