package outages_test

import (
	"context"
	_ "embed"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/e2e/controlplane"
)

var (
	//go:embed testdata/deployment.yaml
	deployment []byte
	//go:embed testdata/settings.yaml
	settings []byte
)

// write is something that somebody does in a namespace: a row of the table.
type write struct {
	name string
	user func(*cluster) controlplane.User
	do   func(ctx context.Context, client kubernetes.Interface, namespace string, dryRun []string) error
}

// writes are what is tried in each situation. None depends on another.
var writes = []write{
	{"a person changes what Git declares", person, scale(5)},
	{"a person makes something else", person, makeConfigMap("notes")},
	{"the agent brings what Git declares", agent, bring},
	{"the control plane does its work", controllerManager, makeConfigMap("work")},
}

// departs is the write that gitonly is for.
var departs = writes[0]

func person(c *cluster) controlplane.User            { return c.stage.Users["developer"] }
func agent(c *cluster) controlplane.User             { return c.stage.Users["agent"] }
func controllerManager(c *cluster) controlplane.User { return c.controllerManager }

func scale(replicas int) func(context.Context, kubernetes.Interface, string, []string) error {
	return func(ctx context.Context, client kubernetes.Interface, namespace string, dryRun []string) error {
		patch, err := yaml.Marshal(map[string]any{"spec": map[string]any{"replicas": replicas}})
		if err != nil {
			return err
		}
		if patch, err = yaml.YAMLToJSON(patch); err != nil {
			return err
		}
		_, err = client.AppsV1().Deployments(namespace).Patch(ctx, "guestbook", types.MergePatchType, patch, metav1.PatchOptions{DryRun: dryRun})
		return err
	}
}

func makeConfigMap(name string) func(context.Context, kubernetes.Interface, string, []string) error {
	return func(ctx context.Context, client kubernetes.Interface, namespace string, dryRun []string) error {
		made := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
		_, err := client.CoreV1().ConfigMaps(namespace).Create(ctx, made, metav1.CreateOptions{DryRun: dryRun})
		return err
	}
}

func bring(ctx context.Context, client kubernetes.Interface, namespace string, dryRun []string) error {
	var declared corev1.ConfigMap
	if err := yaml.UnmarshalStrict(settings, &declared); err != nil {
		return err
	}
	_, err := client.CoreV1().ConfigMaps(namespace).Create(ctx, &declared, metav1.CreateOptions{DryRun: dryRun})
	return err
}

// answer is what the API server says to a write.
type answer struct {
	outcome outcome
	message string // an error or warnings, with stand-ins for what differs from run to run
}

type outcome string

const (
	allowed outcome = "allowed"
	warned  outcome = "warned"      // allowed, with a warning
	refused outcome = "**refused**" // by gitonly
	blocked outcome = "**blocked**" // by the API server, which had no answer
	unasked outcome = "unasked"     // allowed by the API server, which had no answer
)

// try has somebody write, and tells what they are told. The error is nil whatever
// gitonly says, and whether or not it says something.
func (w write) try(ctx context.Context, c *cluster, namespace string, dryRun ...string) (answer, error) {
	var told warnings
	config := rest.CopyConfig(w.user(c).Config)
	config.WarningHandler = &told
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return answer{}, err
	}
	err = w.do(ctx, client, namespace, dryRun)
	switch {
	case err == nil && len(told.texts) > 0:
		return answer{warned, strings.Join(told.texts, "\n")}, nil
	case err == nil:
		return answer{allowed, ""}, nil
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "denied the request"):
		return answer{refused, err.Error()}, nil
	case unanswered(err):
		return answer{blocked, err.Error()}, nil
	}
	return answer{}, err
}

// warnings are what the API server warns of.
type warnings struct {
	mu    sync.Mutex
	texts []string
}

func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, "Warning: "+text)
}

// unanswered reports whether the API server refused a write for want of an answer.
func unanswered(err error) bool {
	return apierrors.IsInternalError(err) && strings.Contains(err.Error(), "failed calling webhook")
}
