package sweep

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ktypes "k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// busy are declared objects that controllers work on. They come into the
// cluster with gitonly in front, and only for the round.
//
//go:embed round
var busy embed.FS

// patience is how long the round may take: an autoscaler looks every 15s.
const patience = 8 * time.Minute

// round is a day in the life of the control plane.
type round struct {
	scene  *scene
	client kubernetes.Interface // who only looks
	things map[string]*thing
	all    []*thing
}

// controlPlane has every controller write, and looks for refusals in the audit
// log.
func (s *scene) controlPlane(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, errors.New("the round took too long"))
	defer cancel()
	r, err := s.newRound(ctx)
	if err != nil {
		t.Fatal(err)
	}
	k, err := s.newKubelet(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.dropAPIServices(ctx); err != nil {
		t.Fatal(err)
	}
	for _, declared := range r.all {
		if err := declared.served(ctx, (*thing).apply); err != nil {
			t.Fatalf("%s: %v", declared.name, err)
		}
	}
	playing, stop := context.WithCancel(ctx)
	played := make(chan error, 1)
	go func() { played <- k.run(playing) }()
	r.playAll(ctx, t)
	if err := r.end(ctx); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-played; err != nil {
		t.Errorf("playing the kubelet: %v", err)
	}
	if err := s.awaitProof(ctx, t); err != nil {
		t.Error(err)
	}
}

// playAll plays the acts side by side.
func (r *round) playAll(ctx context.Context, t *testing.T) {
	lines := make([]string, len(acts))
	var playing sync.WaitGroup
	for i, a := range acts {
		playing.Go(func() {
			began, outcome := time.Now(), "done"
			if err := a.play(ctx, r); err != nil {
				outcome = "failed"
				t.Errorf("%s: %v", a.name, err)
			}
			lines[i] = fmt.Sprintf("%-90s %-6s %5.1fs", a.name, outcome, time.Since(began).Seconds())
		})
	}
	playing.Wait()
	t.Logf("the control plane's round:\n%s", strings.Join(lines, "\n"))
}

// dropAPIServices takes away the APIs that the corpus says are served elsewhere,
// and that nobody serves: no namespace ends while they might hold objects.
func (s *scene) dropAPIServices(ctx context.Context) error {
	for _, t := range s.things {
		if t.git["kind"] != "APIService" {
			continue
		}
		if err := t.agent.Delete(ctx, t.objectName(), metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

func (s *scene) newRound(ctx context.Context) (*round, error) {
	client, err := kubernetes.NewForConfig(s.stage.Users["admin"].Config)
	if err != nil {
		return nil, err
	}
	objects, err := s.declared(ctx, filepath.Join(s.dir, "checkout"), roundAt)
	if err != nil {
		return nil, err
	}
	r := &round{scene: s, client: client, things: map[string]*thing{}}
	for _, object := range objects {
		t := newThing(s, object)
		r.things[t.name], r.all = t, append(r.all, t)
	}
	sortThings(r.all)
	return r, nil
}

const nodesBinding = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: nodes-of-the-round}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: system:node}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: system:nodes}]
`

// newKubelet makes the users that the kubelet plays.
func (s *scene) newKubelet(ctx context.Context) (*kubelet, error) {
	node, err := s.clientOf("system:node:"+roundNode, "system:nodes")
	if err != nil {
		return nil, err
	}
	scheduler, err := s.clientOf("system:kube-scheduler")
	if err != nil {
		return nil, err
	}
	// The API server's own binding for nodes has nobody in it: they come by another way.
	if err := s.stage.Apply(ctx, []byte(nodesBinding)); err != nil {
		return nil, err
	}
	return &kubelet{scheduler: scheduler, node: node, namespaces: map[string]bool{"round": true, "doomed": true}}, nil
}

func (s *scene) clientOf(name string, groups ...string) (kubernetes.Interface, error) {
	user, err := s.stage.Plane.AddUser(name, groups...)
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(user.Config)
}

// until waits for a declared object to be as done says.
func (r *round) until(ctx context.Context, name string, done func(object map[string]any) bool) error {
	var last map[string]any
	err := r.wait(ctx, func(ctx context.Context) (bool, error) {
		live, err := r.things[name].live(ctx)
		if err != nil {
			return false, err
		}
		last = live.Object
		return done(last), nil
	})
	if err != nil {
		status, _ := field{"status"}.get(last)
		return fmt.Errorf("%s isn't as it should be, with status %v: %w", name, status, err)
	}
	return nil
}

// wait asks until something is done, or ctx ends. The error is then the last one.
func (r *round) wait(ctx context.Context, done func(context.Context) (bool, error)) error {
	var last error
	err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (ok bool, _ error) {
		ok, last = done(ctx)
		return ok && last == nil, nil
	})
	if err != nil && last != nil && ctx.Err() == nil {
		return last
	}
	return err
}

// has waits for fields of a declared object's status.
func (r *round) has(ctx context.Context, name string, fields map[string]any) error {
	return r.until(ctx, name, func(object map[string]any) bool {
		status, _ := object["status"].(map[string]any)
		for name, value := range fields {
			if status[name] != value {
				return false
			}
		}
		generation, _ := field{"metadata", "generation"}.get(object)
		observed, known := status["observedGeneration"]
		return !known || observed == generation
	})
}

// delete has the agent delete a declared object in one of the three ways, and
// waits until it is gone.
func (r *round) delete(ctx context.Context, name string, how metav1.DeletionPropagation) error {
	t := r.things[name]
	if err := t.agent.Delete(ctx, t.objectName(), metav1.DeleteOptions{PropagationPolicy: &how}); err != nil {
		return fmt.Errorf("deleting %s: %w", name, err)
	}
	return t.gone(ctx)
}

// image has the agent bring another image, as a commit would.
func (r *round) image(ctx context.Context, name, image string) error {
	t := r.things[name]
	text := fmt.Appendf(nil, `[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": %q}]`, image)
	_, err := t.agent.Patch(ctx, t.objectName(), ktypes.JSONPatchType, text, metav1.PatchOptions{})
	return err
}

// end has the agent take away what is left.
func (r *round) end(ctx context.Context) error {
	var problems []error
	for i := len(r.all) - 1; i >= 0; i-- {
		t := r.all[i]
		err := t.agent.Delete(ctx, t.objectName(), metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationBackground)})
		if err != nil && !apierrors.IsNotFound(err) && !strings.Contains(fmt.Sprint(err), "being terminated") {
			problems = append(problems, fmt.Errorf("deleting %s: %w", t.name, err))
		}
	}
	return errors.Join(append(problems, r.things["Namespace round"].gone(ctx))...)
}
