package outages_test

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"gitonly.dev/gitonly/e2e/controlplane"
	"gitonly.dev/gitonly/e2e/stage"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// patience is how long a test waits for what must come in the end.
const patience = 3 * time.Minute

//go:embed testdata/policies.yaml
var policies []byte

// cluster is what all situations share: the API server, the namespaces, the
// policies.
type cluster struct {
	stage             *stage.Stage
	controllerManager controlplane.User
	admin             kubernetes.Interface
	own               client.Client // for gitonly's own kinds, as the administrator
}

// open starts the cluster, in which the agent has applied the Deployment.
func open(t *testing.T) *cluster {
	t.Helper()
	ctx := t.Context()
	c := &cluster{}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	c.stage, err = stage.Start(ctx, stage.Options{Dir: t.TempDir(), Progress: t.Output()})
	must(err)
	t.Cleanup(func() {
		if err := c.stage.Stop(); err != nil {
			t.Error(err)
		}
	})
	c.controllerManager, err = c.stage.Plane.AddUser("system:kube-controller-manager", "system:masters")
	must(err)
	c.admin, err = kubernetes.NewForConfig(c.stage.Plane.Admin.Config)
	must(err)
	log.SetLogger(logr.Discard()) // the client's, which has nothing to say
	scheme := runtime.NewScheme()
	must(v1alpha1.AddToScheme(scheme))
	c.own, err = client.New(c.stage.Plane.Admin.Config, client.Options{Scheme: scheme})
	must(err)

	must(c.stage.InstallCRDs(ctx))
	must(c.stage.Apply(ctx, policies))
	for _, combination := range combinations {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: combination.namespace(), Labels: combination.labels()}}
		_, err := c.admin.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
		must(err)
		apply := c.stage.Plane.Kubectl(ctx, c.stage.Users["agent"], "apply", "-n", namespace.Name, "-f", "testdata/deployment.yaml")
		if out, err := apply.CombinedOutput(); err != nil {
			t.Fatalf("applying the Deployment: %v\n%s", err, out)
		}
	}
	return c
}

// restore takes back what the writes of a situation did, and removes all
// GitSources. No webhook may be in front any more; the API server may not know
// that yet.
func (c *cluster) restore(ctx context.Context) error {
	return until(ctx, "everything to be as before", func(ctx context.Context) error {
		for _, combination := range combinations {
			namespace := combination.namespace()
			if err := scale(1)(ctx, c.admin, namespace, nil); err != nil {
				return err
			}
			for _, made := range []string{"settings", "notes", "work"} {
				err := c.admin.CoreV1().ConfigMaps(namespace).Delete(ctx, made, metav1.DeleteOptions{})
				if err != nil && !apierrors.IsNotFound(err) {
					return err
				}
			}
		}
		return c.own.DeleteAllOf(ctx, &v1alpha1.GitSource{})
	})
}

// counted is how often the API server let a write pass without an answer of a
// webhook, and how often it refused one for want of it.
type counted struct{ passed, refused int }

func (c *cluster) counted(ctx context.Context) (counted, error) {
	text, err := c.admin.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return counted{}, fmt.Errorf("reading the API server's metrics: %w", err)
	}
	var n counted
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		var count *int
		switch {
		case strings.HasPrefix(name, "apiserver_admission_webhook_fail_open_count{"):
			count = &n.passed
		case strings.HasPrefix(name, "apiserver_admission_webhook_rejection_count{") && strings.Contains(name, `error_type="calling_webhook_error"`):
			count = &n.refused
		default:
			continue
		}
		more, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return counted{}, fmt.Errorf("reading the API server's metrics: %w", err)
		}
		*count += int(more)
	}
	return n, nil
}

// until waits until done returns no error. what is for the error otherwise, which
// has done's last one.
func until(ctx context.Context, what string, done func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last error
	err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		last = done(ctx)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for %s: %w; the last try: %w", what, err, last)
	}
	return nil
}
