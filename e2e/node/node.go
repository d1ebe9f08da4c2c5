// Package node runs Pods as plain processes: it does what a kubelet does, from what
// the Pod in the cluster says, and a scheduler that has one Node. A Deployment's Pods
// become ready by their probe, get into the Service's endpoints, find changed Secrets
// in their files, and end when they are told to.
//
// The API server takes no address of loopback for a Pod's. So a Pod's address is
// 10.x.y.z, and its process listens on 127.x.y.z, at the ports that it always does;
// an Egress leads from one to the other.
package node

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"gitonly.dev/gitonly/e2e/controlplane"
)

const (
	podNetwork, loopback = "10.", "127."

	lookGap   = 100 * time.Millisecond
	heartbeat = 5 * time.Second // well below the time after which a Node counts as lost

	group = "system:nodes"
)

// ErrNoAddresses says that this machine has one address of loopback only.
var ErrNoAddresses = errors.New("nothing can listen on addresses like 127.0.0.2 here")

// Options say what to run.
type Options struct {
	Plane     *controlplane.ControlPlane
	Namespace string // whose Pods run here
	Dir       string // for logs, and the files of Pods; the caller removes it
	Program   string // path of what is the image's entrypoint: Pods with other commands don't run

	// Args come after the container's own, for what can't be on loopback as it is
	// in a container. $ADDRESS is the Pod's on loopback, $ROOT a folder that
	// holds what would be mounted, by mountPath.
	Args []string
}

// Node runs Pods until Stop.
type Node struct {
	options Options
	name    string
	admin   kubernetes.Interface
	client  kubernetes.Interface // as the Node
	network string               // the first three bytes of the Pods' addresses, the first left out

	stop context.CancelFunc
	done sync.WaitGroup

	mu   sync.Mutex
	pods map[types.UID]*pod
	next int // last byte of the next Pod's address
	errs []error
}

// Start makes a Node, and begins to run what Pods there are, and will be. The error
// is ErrNoAddresses where that can't be.
func Start(ctx context.Context, o Options) (*Node, error) {
	n := &Node{
		options: o, name: "node-of-" + o.Namespace, pods: map[types.UID]*pod{}, next: 2,
		network: fmt.Sprintf("%d.%d.", 1+rand.IntN(254), rand.IntN(256)),
	}
	listener, err := net.Listen("tcp", loopback+n.network+"1:0")
	if err != nil {
		return nil, ErrNoAddresses
	}
	_ = listener.Close()
	if err := n.join(ctx); err != nil {
		return nil, fmt.Errorf("making Node %s: %w", n.name, err)
	}
	running, stop := context.WithCancel(context.Background())
	n.stop = stop
	n.done.Go(func() { n.run(running) })
	return n, nil
}

// join makes the Node, as itself.
func (n *Node) join(ctx context.Context) error {
	user, err := n.options.Plane.AddUser("system:node:"+n.name, group)
	if err != nil {
		return err
	}
	if n.client, err = kubernetes.NewForConfig(user.Config); err != nil {
		return err
	}
	if n.admin, err = kubernetes.NewForConfig(n.options.Plane.Admin.Config); err != nil {
		return err
	}
	// The API server's own binding for nodes has nobody in it: they come by another way.
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: n.name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:node"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: group}},
	}
	if _, err := n.admin.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		return err
	}
	return wait.PollUntilContextTimeout(ctx, lookGap, 3*time.Minute, true, func(ctx context.Context) (bool, error) {
		_, err := n.client.CoreV1().Nodes().Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.name}}, metav1.CreateOptions{})
		if apierrors.IsForbidden(err) {
			return false, nil // the binding is read soon
		}
		return err == nil, err
	})
}

// beat says that the Node is well.
func (n *Node) beat(ctx context.Context) error {
	now, _ := metav1.Now().MarshalJSON()
	status := fmt.Appendf(nil, `{"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": %s}]}}`, now)
	_, err := n.client.CoreV1().Nodes().PatchStatus(ctx, n.name, status)
	return err
}

// Stop ends all processes at once, as the end of a machine does. The error is what
// went wrong with any Pod before: its process ended by itself, or didn't when it was
// told to.
func (n *Node) Stop() error {
	n.stop()
	n.done.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	errs := n.errs
	for _, p := range n.pods {
		if !p.ending {
			errs = append(errs, of(p.spec, p.failure()))
		}
		p.kill()
	}
	return errors.Join(errs...)
}

// Serving are the addresses, on loopback, of a port of the Pods that are ready.
func (n *Node) Serving(port string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var addresses []string
	for _, p := range n.pods {
		if p.ready {
			addresses = append(addresses, p.address(port))
		}
	}
	slices.Sort(addresses)
	return addresses
}

// run does what is to be done, again and again, until ctx ends.
func (n *Node) run(ctx context.Context) {
	again, beat := time.NewTicker(lookGap), time.NewTicker(heartbeat)
	defer again.Stop()
	defer beat.Stop()
	n.note(ctx, n.beat(ctx))
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			n.note(ctx, n.beat(ctx))
		case <-again.C:
			n.look(ctx)
		}
	}
}

// note keeps an error, unless ctx ended or it was noted before.
func (n *Node) note(ctx context.Context, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil && ctx.Err() == nil && !slices.ContainsFunc(n.errs, func(noted error) bool { return noted.Error() == err.Error() }) {
		n.errs = append(n.errs, err)
	}
}

// look takes the next step with each Pod.
func (n *Node) look(ctx context.Context) {
	list, err := n.client.CoreV1().Pods(n.options.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		n.note(ctx, fmt.Errorf("listing Pods: %w", err))
		return
	}
	there := map[types.UID]bool{}
	for i := range list.Items {
		spec := &list.Items[i]
		there[spec.UID] = true
		if err := n.see(ctx, spec); err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			n.note(ctx, of(spec, err))
		}
	}
	for uid, p := range n.pods {
		if !there[uid] {
			n.end(ctx, p)
			n.mu.Lock()
			delete(n.pods, uid)
			n.mu.Unlock()
		}
	}
}

// see takes the next step with a Pod: it is bound to the Node, started once its
// volumes are there, said to be ready or not, and ended when it is deleted.
func (n *Node) see(ctx context.Context, spec *corev1.Pod) error {
	if spec.Spec.NodeName == "" {
		return n.admin.CoreV1().Pods(spec.Namespace).Bind(ctx, &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: spec.Name, Namespace: spec.Namespace, UID: spec.UID},
			Target:     corev1.ObjectReference{Kind: "Node", Name: n.name},
		}, metav1.CreateOptions{})
	}
	p := n.pod(spec)
	if spec.DeletionTimestamp != nil {
		n.end(ctx, p)
	} else if mounted, err := n.mount(ctx, p); err != nil || !mounted {
		return err
	}
	if p.cmd == nil && !p.ending {
		if err := n.start(ctx, p); err != nil {
			return err
		}
	}
	ready := p.probe(ctx)
	if ready == p.ready && p.told {
		return nil
	}
	n.mu.Lock()
	p.ready = ready
	n.mu.Unlock()
	_, err := n.client.CoreV1().Pods(spec.Namespace).Patch(ctx, spec.Name, types.MergePatchType, p.status(), metav1.PatchOptions{}, "status")
	p.told = err == nil
	return err
}

// pod is what there is here of a Pod.
func (n *Node) pod(spec *corev1.Pod) *pod {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.pods[spec.UID]
	if p == nil {
		p = &pod{spec: spec, root: filepath.Join(n.options.Dir, spec.Name), ip: fmt.Sprintf("%s%d", n.network, n.next)}
		n.next++
		n.pods[spec.UID] = p
	}
	return p
}

// end begins to end a Pod, which is removed then, unless it was begun before.
func (n *Node) end(ctx context.Context, p *pod) {
	if p.ending {
		return
	}
	p.ending = true
	n.done.Go(func() {
		n.note(ctx, of(p.spec, p.end(ctx)))
		err := n.client.CoreV1().Pods(p.spec.Namespace).Delete(ctx, p.spec.Name, metav1.DeleteOptions{
			GracePeriodSeconds: new(int64(0)), Preconditions: &metav1.Preconditions{UID: &p.spec.UID},
		})
		if !apierrors.IsNotFound(err) {
			n.note(ctx, err)
		}
	})
}

// of says which Pod an error is about; nil stays nil.
func of(spec *corev1.Pod, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("running Pod %s: %w", spec.Name, err)
}
