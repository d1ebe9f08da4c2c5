package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// clusterAccess says how to reach the API server: nil if nothing does, which
// only --config allows.
func clusterAccess(o *options) (*rest.Config, error) {
	if o.kubeconfig != "" {
		access, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
		if err != nil {
			return nil, fmt.Errorf("reading --kubeconfig=%s: %w", o.kubeconfig, err)
		}
		return unhurried(access), nil
	}
	access, err := rest.InClusterConfig()
	if errors.Is(err, rest.ErrNotInCluster) {
		if o.config != "" {
			return nil, nil
		}
		return nil, errors.New("not inside a cluster: set --kubeconfig, or --config to run from files alone")
	}
	if err != nil {
		return nil, err
	}
	return unhurried(access), nil
}

// unhurried has requests wait for the API server's own limits alone. client-go's
// five a second would keep each refused request waiting for those before it.
func unhurried(access *rest.Config) *rest.Config {
	access.QPS = -1
	return access
}

func newManager(o *options, access *rest.Config, log logr.Logger) (ctrl.Manager, error) {
	if err := v1alpha1.AddToScheme(scheme.Scheme); err != nil {
		return nil, err
	}
	settings := manager.Options{
		Scheme:                  scheme.Scheme,
		Logger:                  log,
		Metrics:                 server.Options{BindAddress: on(o.bindAddress, o.metrics)},
		HealthProbeBindAddress:  "0", // see serveProbes
		GracefulShutdownTimeout: new(stopTime),
	}
	if access == nil {
		// Nothing asks the API server then; the manager only runs the parts.
		access = &rest.Config{}
		settings.MapperProvider = func(*rest.Config, *http.Client) (meta.RESTMapper, error) {
			return meta.NewDefaultRESTMapper(nil), nil
		}
	}
	return ctrl.NewManager(access, settings)
}

// on gives an address without a host the one that all servers listen on.
func on(host, address string) string {
	if h, port, err := net.SplitHostPort(address); err == nil && h == "" {
		return net.JoinHostPort(host, port)
	}
	return address
}

// everywhere is a part that every replica runs, whoever leads.
type everywhere func(context.Context) error

func (e everywhere) Start(ctx context.Context) error { return e(ctx) }
func (e everywhere) NeedLeaderElection() bool        { return false }
