package agents

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/e2e/gitserver"
)

// artifacts does source-controller's job: it serves a commit's tree as an archive, and says in the
// GitRepository's status where that is.
type artifacts struct {
	dir    string
	url    string
	server *http.Server
	client client.Client // as source-controller
}

func serveArtifacts(dir string, as client.Client) (*artifacts, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve artifacts: %w", err)
	}
	a := &artifacts{
		dir: dir, client: as, url: "http://" + listener.Addr().String(),
		server: &http.Server{Handler: http.FileServer(http.Dir(dir))},
	}
	go func() { _ = a.server.Serve(listener) }()
	return a, nil
}

// publish makes a commit of branch main a GitRepository's artifact.
func (a *artifacts) publish(ctx context.Context, name types.NamespacedName, r *gitserver.Repository, commit string) error {
	file := commit + ".tar.gz"
	path := filepath.Join(a.dir, file)
	// Of the tree, not the commit: Flux's reader takes no comments in an archive.
	if _, err := r.Git("archive", "--format=tar.gz", "--output", path, commit+"^{tree}"); err != nil {
		return err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	now := time.Now().UTC().Format(time.RFC3339)
	status, err := json.Marshal(map[string]any{"status": map[string]any{
		"artifact": map[string]any{
			"path": file, "url": a.url + "/" + file,
			"revision": gitserver.DefaultBranch + "@sha1:" + commit,
			"digest":   fmt.Sprintf("sha256:%x", sha256.Sum256(content)),
			"size":     len(content), "lastUpdateTime": now,
		},
		"conditions": []metav1.Condition{{
			Type: "Ready", Status: metav1.ConditionTrue, Reason: "Succeeded",
			Message: "stored artifact", LastTransitionTime: metav1.Now(), ObservedGeneration: 1,
		}},
		"observedGeneration": 1,
	}})
	if err != nil {
		return err
	}
	repository := &unstructured.Unstructured{}
	repository.SetAPIVersion("source.toolkit.fluxcd.io/v1")
	repository.SetKind("GitRepository")
	repository.SetNamespace(name.Namespace)
	repository.SetName(name.Name)
	if err := a.client.Status().Patch(ctx, repository, client.RawPatch(types.MergePatchType, status)); err != nil {
		return fmt.Errorf("set the artifact of GitRepository %s: %w", name, err)
	}
	return nil
}
