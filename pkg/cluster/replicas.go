package cluster

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
)

const (
	replicaPoll = 10 * time.Second // how often a replica looks whether there is anything new to say
	replicaGone = 5 * time.Minute  // after this one that says nothing counts no more
)

// replica says in the status of each GitSource what this replica works with: the
// leader can't know that of others.
type replica struct {
	name   string
	client client.Client
	latest Latest
	clock  clock.PassiveClock
	log    logr.Logger
	said   map[string]v1alpha1.ReplicaStatus // by GitSource
}

// AddReplicaStatus makes m say in GitSources what it works with, as the replica
// of this name.
func AddReplicaStatus(m ctrl.Manager, name string, latest Latest, log logr.Logger) error {
	r := &replica{
		name: name, client: m.GetClient(), latest: latest, clock: clock.RealClock{}, log: log,
		said: map[string]v1alpha1.ReplicaStatus{},
	}
	return m.Add(&loader{m: m, load: r.run})
}

func (r *replica) run(ctx context.Context) error {
	ticker := time.NewTicker(replicaPoll)
	defer ticker.Stop()
	complaint := ""
	for {
		err := r.say(ctx)
		if err != nil && err.Error() != complaint && ctx.Err() == nil {
			r.log.Error(err, "the replica's revisions are not in the GitSources' status")
		}
		complaint = fmt.Sprint(err)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// say writes what is new, and once a minute that this replica is there still.
func (r *replica) say(ctx context.Context) error {
	var list v1alpha1.GitSourceList
	if err := r.client.List(ctx, &list); err != nil {
		return fmt.Errorf("listing GitSources: %w", err)
	}
	snapshot, now := r.latest(), r.clock.Now()
	for i := range list.Items {
		name := list.Items[i].Name
		is := v1alpha1.ReplicaStatus{Name: r.name, Revision: revisionOf(name, snapshot), LastSeenTime: metav1.NewTime(now.Truncate(time.Second))}
		if said := r.said[name]; said.Revision == is.Revision && now.Sub(said.LastSeenTime.Time) < checkTimeStep {
			continue
		}
		if err := r.write(ctx, name, is); err != nil {
			return fmt.Errorf("writing the status of GitSource %s: %w", name, err)
		}
		r.said[name] = is
	}
	return nil
}

// ownerBytes is how long the name of a field's owner may be.
const ownerBytes = 128

// write changes the replica's own entry, whatever others write.
func (r *replica) write(ctx context.Context, gitSource string, is v1alpha1.ReplicaStatus) error {
	entry, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&is)
	if err != nil {
		return err
	}
	object := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"replicas": []any{entry}}}}
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("GitSource"))
	object.SetName(gitSource)
	owner := "gitonly-replica-" + r.name
	owner = owner[max(0, len(owner)-ownerBytes):] // the end is what Pods of a Deployment differ in
	err = r.client.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(object), client.FieldOwner(owner), client.ForceOwnership)
	return client.IgnoreNotFound(err)
}

// revisionOf is what a GitSource is at in a snapshot; empty if nothing is known.
// Of an agent's sources it is a hash of their revisions.
func revisionOf(gitSource string, snapshot *gitindex.Snapshot) string {
	if state := snapshot.Source(gitSource); state != nil && state.Source.Of == "" {
		return state.Revision.Short()
	}
	hash, count := sha256.New(), 0
	for _, state := range snapshot.Sources() {
		if state.Source.Of == gitSource {
			fmt.Fprintf(hash, "%s %s\n", state.Source.Name, state.Revision.Commit)
			count++
		}
	}
	if count == 0 {
		return ""
	}
	return fmt.Sprintf("%x of %s", hash.Sum(nil)[:4], counted(count, "source"))
}

// present are the replicas that were heard of lately.
func present(replicas []v1alpha1.ReplicaStatus, now time.Time) []v1alpha1.ReplicaStatus {
	return slices.DeleteFunc(slices.Clone(replicas), func(r v1alpha1.ReplicaStatus) bool {
		return now.Sub(r.LastSeenTime.Time) > replicaGone
	})
}
