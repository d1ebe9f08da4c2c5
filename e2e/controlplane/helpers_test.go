package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// realTest returns a context that ends in time to stop everything before the test binary's deadline.
func realTest(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts a real API server")
	}
	deadline, ok := t.Deadline()
	if !ok {
		return t.Context()
	}
	ctx, cancel := context.WithDeadlineCause(t.Context(), deadline.Add(-20*time.Second),
		errors.New("the test's time is nearly over: go test -timeout gives it more"))
	t.Cleanup(cancel)
	return ctx
}

func kubectl(ctx context.Context, t *testing.T, c *ControlPlane, as User, stdin string, args ...string) string {
	t.Helper()
	cmd := c.Kubectl(ctx, as, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// assertUser asks the API server who someone is.
func assertUser(ctx context.Context, t *testing.T, who User, name, group string) {
	t.Helper()
	client, err := kubernetes.NewForConfig(who.Config)
	if err != nil {
		t.Fatal(err)
	}
	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := review.Status.UserInfo
	if got.Username != name || !strings.Contains(fmt.Sprint(got.Groups), group) {
		t.Errorf("the API server sees user %q in %q, want %q in %q among others", got.Username, got.Groups, name, group)
	}
}

// assertNothingLeft checks that a control plane whose temporary directory was temp has gone.
func assertNothingLeft(t *testing.T, temp string) {
	t.Helper()
	if found := running(t, temp); len(found) > 0 {
		t.Errorf("still running: %q", found)
	}
	if entries, err := os.ReadDir(temp); err != nil || len(entries) > 0 {
		t.Errorf("in the temporary directory are %v (error: %v), want nothing", entries, err)
	}
}

// running lists the programs that mention dir on their command line, as all of a control plane do.
func running(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(files) == 0 {
		t.Skip("processes can only be listed on Linux")
	}
	var found []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(text), dir) {
			found = append(found, strings.SplitN(string(text), "\x00", 2)[0])
		}
	}
	return found
}
