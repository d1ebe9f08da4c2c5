package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/e2e/stage"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// TestTwoReplicasRecordEachUseOnce has dana depart from Git by two replicas in turn, in
// parallel, and the leader be killed meanwhile.
func TestTwoReplicasRecordEachUseOnce(t *testing.T) {
	const before, during, dry = 40, 20, 10
	ctx := t.Context()
	r := openReplicas(ctx, t, before+during)
	r.kubectl(ctx, "admin", nil, "annotate", "namespace", r.name, "gitonly.dev/break-glass=INC-1234 all is on fire")

	var writers sync.WaitGroup
	for n := range before {
		writers.Go(func() { r.write(ctx, n) })
	}
	for n := range dry {
		writers.Go(func() { r.write(ctx, before+n, metav1.DryRunAll) })
	}
	writers.Wait()
	r.recorded(ctx, 1+before)
	if got := len(r.balancer.that(true, "BreakGlassUsed")); got != dry {
		t.Errorf("%d dry runs were let pass", got)
	}
	by := map[int]int{}
	for _, a := range r.balancer.that(false, "BreakGlassUsed") {
		by[a.replica]++
	}
	if by[0] == 0 || by[1] == 0 {
		t.Errorf("by replica, so many were let pass: %v", by)
	}
	r.eventually(ctx, "what is counted and told is what was done", func() (bool, string) {
		used, opened, told := r.counted(ctx, "BreakGlassUsed"), r.counted(ctx, "BreakGlassOpened"), r.told(ctx, "BreakGlassUsed")
		return used == before && opened == 1 && told == before, fmt.Sprintf("%d used, %d opened, %d told", used, opened, told)
	})

	leader, other := r.leads(ctx)
	turns := make(chan struct{}, 4)
	for n := range during {
		writers.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			if n == during/2 {
				leader.Kill()
			}
			r.write(ctx, before+n)
		})
	}
	writers.Wait()
	r.recorded(ctx, 1+before+during)
	r.eventually(ctx, "the other replica leads", func() (bool, string) {
		open := r.metric(ctx, other, "gitonly_break_glass_open")
		return open == 1, fmt.Sprintf("it counts %d open emergencies", open)
	})
	r.commit("dark")
	r.eventually(ctx, "Git has caught up", func() (bool, string) {
		status := r.record(ctx).Status
		return status.State == v1alpha1.BreakGlassReconciled && status.EndedAt != nil, string(status.State) + ": " + status.Message
	})
	r.recorded(ctx, 1+before+during)
}

// TestARequestThatMeetsAnotherWriteOpensOneEmergency has the object written by somebody
// else between gitonly's answer and the store, so that the API server asks again: the
// other replica, by another UID.
func TestARequestThatMeetsAnotherWriteOpensOneEmergency(t *testing.T) {
	ctx := t.Context()
	r := openReplicas(ctx, t, 1)
	var once sync.Once
	r.balancer.told = func(reason string) {
		if reason == "BreakGlassOpened" {
			once.Do(func() { r.kubectl(ctx, "agent", nil, "label", "configmap", "settings-0", "-n", r.name, "met=true") })
		}
	}
	r.kubectl(ctx, "developer", nil, "annotate", "configmap", "settings-0", "-n", r.name, "gitonly.dev/break-glass=INC-1234 all is on fire")
	if asked := r.balancer.that(false, "BreakGlassOpened"); len(asked) != 2 || asked[0].uid == asked[1].uid {
		t.Fatalf("the API server asked %+v", asked)
	}
	record := r.record(ctx)
	if s := record.Status; s.State != v1alpha1.BreakGlassActive || s.UseCount != 1 {
		t.Errorf("%s with %d uses", s.State, s.UseCount)
	}
	r.write(ctx, 0)
	r.eventually(ctx, "what dana does next is recorded in the same", func() (bool, string) {
		uses := r.record(ctx).Status.UseCount
		return uses == 2, fmt.Sprintf("%d uses", uses)
	})
}

// replicas are two webhooks that the API server asks in turn, and ConfigMaps that Git
// declares.
type replicas struct {
	*act
	settings int // how many ConfigMaps
	all      []*stage.Webhook
	balancer *balancer
	dana     kubernetes.Interface
}

func openReplicas(ctx context.Context, t *testing.T, settings int) *replicas {
	t.Helper()
	c := start(t, stage.Options{})
	r := &replicas{act: openAct(ctx, t, c, "replicas"), settings: settings}
	r.must(c.Apply(ctx, []byte(onCall)))
	quiet := rest.CopyConfig(c.Users["developer"].Config)
	quiet.WarningHandler = rest.NoWarnings{} // of what is let pass
	var err error
	r.dana, err = kubernetes.NewForConfig(quiet)
	r.must(err)
	r.commit("light")
	for n := range 2 {
		w, err := c.StartWebhook(stage.WebhookOptions{Name: fmt.Sprintf("replicas-%d", n), Config: filepath.Join(r.dir, "config"), Args: []string{"--leader-elect"}})
		r.must(err)
		t.Cleanup(w.Stop)
		r.must(w.WaitReady(ctx))
		r.all = append(r.all, w)
	}
	r.balancer = &balancer{replicas: r.all}
	server := httptest.NewTLSServer(r.balancer)
	t.Cleanup(server.Close)
	r.must(r.all[0].Register(ctx, stage.Registration{
		Namespaces: &metav1.LabelSelector{MatchLabels: map[string]string{scenarioLabel: r.name}},
		Condition:  fmt.Sprintf("has(request.namespace) || (has(request.name) && request.name == '%s')", r.name),
		URL:        server.URL + "/validate",
		CA:         pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),

		TimeoutSeconds: 30, // what is given up on is recorded, and not done
	}, r.name))
	t.Cleanup(func() { r.must(r.all[0].Unregister(context.Background())) })
	var all bytes.Buffer
	for _, manifest := range r.manifests("light") {
		all.WriteString("---\n" + manifest)
	}
	r.kubectl(ctx, "agent", &all, "create", "-f", "-")
	return r
}

const onCall = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: on-call, namespace: replicas}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [break-glass]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: on-call, namespace: replicas}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: on-call}
subjects:
- {kind: User, apiGroup: rbac.authorization.k8s.io, name: dana}
`

// manifests are the ConfigMaps, by file.
func (r *replicas) manifests(theme string) map[string]string {
	files := map[string]string{}
	for n := range r.settings {
		files[fmt.Sprintf("apps/settings-%d.yaml", n)] = fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings-%d, namespace: %s}\ndata: {theme: %s}\n", n, r.name, theme)
	}
	return files
}

func (r *replicas) commit(theme string) {
	r.t.Helper()
	_, err := r.repository.Commit(gitserver.Commit{Replace: true, Files: r.manifests(theme)})
	r.must(err)
}

// write has dana depart from Git in one of the ConfigMaps. Each has one writer, so
// that the API server asks once.
func (r *replicas) write(ctx context.Context, n int, dryRun ...string) {
	patch := []byte(`{"data":{"theme":"dark"}}`)
	name := fmt.Sprintf("settings-%d", n)
	if _, err := r.dana.CoreV1().ConfigMaps(r.name).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{DryRun: dryRun}); err != nil {
		r.t.Errorf("writing %s: %v", name, err)
	}
}

// record is the one that there is.
func (r *replicas) record(ctx context.Context) v1alpha1.BreakGlass {
	r.t.Helper()
	var list v1alpha1.BreakGlassList
	r.must(json.Unmarshal(r.kubectl(ctx, "admin", nil, "get", "breakglasses", "-o", "json"), &list))
	if len(list.Items) != 1 {
		r.t.Fatalf("there are %d records", len(list.Items))
	}
	return list.Items[0]
}

// recorded waits until so many uses are recorded, and asserts that they are those
// that the API server was told of, each once.
func (r *replicas) recorded(ctx context.Context, want int) {
	r.t.Helper()
	var status v1alpha1.BreakGlassStatus
	r.eventually(ctx, "the uses are recorded", func() (bool, string) {
		status = r.record(ctx).Status
		return status.UseCount >= int64(want), fmt.Sprintf("%d of %d are", status.UseCount, want)
	})
	var got, told []types.UID
	for _, use := range status.Uses {
		got = append(got, use.UID)
	}
	for _, a := range r.balancer.that(false, "BreakGlassOpened", "BreakGlassUsed") {
		told = append(told, a.uid)
	}
	slices.Sort(got)
	slices.Sort(told)
	if diff := gocmp.Diff(told, got); len(got) != want || diff != "" {
		r.t.Errorf("%d uses of %d are recorded (-told +recorded):\n%s", len(got), want, diff)
	}
}

// metric is a metric's value at a replica; 0 where it has none.
func (r *replicas) metric(ctx context.Context, w *stage.Webhook, name string) int {
	r.t.Helper()
	text, err := w.Metrics(ctx)
	r.must(err)
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` ([0-9]+)$`).FindStringSubmatch(text)
	if found == nil {
		return 0
	}
	value, err := strconv.Atoi(found[1])
	r.must(err)
	return value
}

// counted is how many requests with a reason the replicas have counted.
func (r *replicas) counted(ctx context.Context, reason string) int {
	r.t.Helper()
	sum := 0
	for _, w := range r.all {
		sum += r.metric(ctx, w, `gitonly_break_glass_requests_total{reason="`+reason+`"}`)
	}
	return sum
}

// told is of how many objects an Event with the reason tells.
func (r *replicas) told(ctx context.Context, reason string) int {
	r.t.Helper()
	names := r.kubectl(ctx, "admin", nil, "get", "events", "-n", r.name, "--field-selector=reason="+reason, "-o", "jsonpath={.items[*].involvedObject.name}")
	of := map[string]bool{}
	for name := range bytes.FieldsSeq(names) {
		of[string(name)] = true
	}
	return len(of)
}

// leads is the replica that counts the open emergency, as the leader alone does, and
// the one that doesn't.
func (r *replicas) leads(ctx context.Context) (leader, other *stage.Webhook) {
	r.t.Helper()
	r.eventually(ctx, "one replica leads", func() (bool, string) {
		first, second := r.metric(ctx, r.all[0], "gitonly_break_glass_open"), r.metric(ctx, r.all[1], "gitonly_break_glass_open")
		leader, other = r.all[0], r.all[1]
		if second == 1 {
			leader, other = other, leader
		}
		return first+second == 1, fmt.Sprintf("they count %d and %d open emergencies", first, second)
	})
	return leader, other
}
