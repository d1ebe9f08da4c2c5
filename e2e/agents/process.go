package agents

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"gitonly.dev/gitonly/e2e/controlplane"
	"gitonly.dev/gitonly/e2e/stage"
)

// apply applies manifests as the administrator, on the server's side: some of the agents' kinds are too
// large for an annotation. An empty namespace is for manifests that say theirs.
func apply(ctx context.Context, s *stage.Stage, namespace, path string) error {
	args := []string{"apply", "--server-side", "--filename", path}
	if namespace != "" {
		args = append(args, "--namespace", namespace)
	}
	if out, err := s.Plane.Kubectl(ctx, s.Plane.Admin, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("apply %s: %w\n%s", path, err, out)
	}
	return nil
}

// waitServed waits until the API server serves kinds, by the names of their definitions.
func waitServed(ctx context.Context, s *stage.Stage, definitions ...string) error {
	args := []string{"wait", "--for=condition=Established", "--timeout=3m"}
	for _, definition := range definitions {
		args = append(args, "crd/"+definition)
	}
	var out []byte
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, 3*time.Minute, true, func(ctx context.Context) (bool, error) {
		var err error
		out, err = s.Plane.Kubectl(ctx, s.Plane.Admin, args...).CombinedOutput()
		return err == nil, nil // kubectl gives up where there are no conditions yet
	})
	if err != nil {
		return fmt.Errorf("wait for %v to be served: %w\n%s", definitions, err, out)
	}
	return nil
}

func freePorts(count int) ([]int, error) {
	ports := make([]int, count)
	for i := range ports {
		var err error
		if ports[i], err = stage.FreePort(); err != nil {
			return nil, err
		}
	}
	return ports, nil
}

// local is a port's address on loopback.
func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// waitUp waits until a launched program answers with success at an URL.
func waitUp(ctx context.Context, s *stage.Stage, name string, p *controlplane.Process, url string) error {
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, 5*time.Minute, true, func(ctx context.Context) (bool, error) {
		select {
		case <-p.Ended():
			return false, errors.New("it ended")
		default:
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, nil // not yet
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK, nil
	})
	if err != nil {
		return fmt.Errorf("wait for %s to be ready: %w\n%s", name, err, tail(filepath.Join(s.Plane.Dir, name+".log")))
	}
	return nil
}

// tail is the end of a log.
func tail(path string) []byte {
	log, err := os.ReadFile(path)
	if err != nil {
		return []byte(err.Error())
	}
	return log[max(0, len(log)-4000):]
}
