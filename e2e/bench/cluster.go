package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"gitonly.dev/gitonly/e2e/bench/workload"
	"gitonly.dev/gitonly/e2e/gitserver"
	"gitonly.dev/gitonly/e2e/stage"
)

// cluster is a real API server, a Git server, and gitonly, which nothing asks
// yet.
type cluster struct {
	stage        *stage.Stage
	webhook      *stage.Webhook
	git          *gitserver.Repository
	gitServer    *gitserver.HTTPServer
	admin, agent *kubernetes.Clientset
	person       *kubernetes.Clientset // who may not break the glass, as most people mayn't

	stops []func()
}

const clusterPolicy = `apiVersion: gitonly.dev/v1alpha1
kind: GuardPolicy
metadata: {name: everything}
spec:
  mode: Enforce
  agents: {subjects: [{kind: ServiceAccount, namespace: flux-system, name: kustomize-controller}]}
`

// developers may do what "edit" says where there are controllers.
const developers = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: bench-developers}
rules: [{apiGroups: [apps], resources: [deployments], verbs: [patch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: bench-developers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: bench-developers}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: developers}]
`

// startCluster starts one with these namespaces, where Git declares a Deployment
// "web" in each and has more files, each folder of which is a location. It has no controllers, so that what is
// measured is what is asked for. Stop ends it.
func startCluster(ctx context.Context, dir string, progress io.Writer, namespaces []string, more map[string]string) (_ *cluster, err error) {
	c := &cluster{}
	defer func() {
		if err != nil {
			c.stop()
		}
	}()
	if c.stage, err = stage.Start(ctx, stage.Options{Dir: dir, Progress: progress, NoControllers: true}); err != nil {
		return nil, err
	}
	c.stops = append(c.stops, func() { _ = c.stage.Stop() }) // nothing is to be learnt from it any more
	var made strings.Builder
	made.WriteString(developers)
	files := map[string]string{}
	for _, namespace := range namespaces {
		fmt.Fprintf(&made, "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {asks: %s}}\n---\n%s\n", namespace, namespace, web(namespace))
		files["apps/"+namespace+".yaml"] = web(namespace)
	}
	for name, text := range more {
		files[name] = text
	}
	if err := c.stage.Apply(ctx, []byte(made.String())); err != nil {
		return nil, err
	}
	if err := errors.Join(c.commit(dir, files), c.stage.InstallCRDs(ctx)); err != nil {
		return nil, err
	}
	if err := c.stage.Apply(ctx, []byte(clusterPolicy+"---\n"+c.source(files))); err != nil {
		return nil, err
	}
	for user, client := range map[string]**kubernetes.Clientset{"admin": &c.admin, "agent": &c.agent, "developer": &c.person} {
		access := rest.CopyConfig(c.stage.Users[user].Config)
		access.QPS, access.WarningHandler = -1, rest.NoWarnings{}
		if *client, err = kubernetes.NewForConfig(access); err != nil {
			return nil, err
		}
	}
	if c.webhook, err = c.stage.StartWebhook(stage.WebhookOptions{Name: "bench"}); err != nil {
		return nil, err
	}
	c.stops = append(c.stops, c.webhook.Stop)
	return c, c.webhook.WaitReady(ctx)
}

// commit makes the repository, and serves it.
func (c *cluster) commit(dir string, files map[string]string) (err error) {
	if c.git, err = gitserver.Init(filepath.Join(dir, "git", "infra.git")); err != nil {
		return err
	}
	if _, err = c.git.Commit(gitserver.Commit{Files: files}); err != nil {
		return err
	}
	if c.gitServer, err = gitserver.ServeHTTP(filepath.Join(dir, "git"), gitserver.HTTPOptions{}); err != nil {
		return err
	}
	c.stops = append(c.stops, func() { _ = c.gitServer.Close() })
	return nil
}

// source is a GitSource of the repository, which is looked at every five seconds.
func (c *cluster) source(files map[string]string) string {
	var paths strings.Builder
	for _, folder := range folders(files) {
		fmt.Fprintf(&paths, "{path: %s}, ", folder)
	}
	return fmt.Sprintf("apiVersion: gitonly.dev/v1alpha1\nkind: GitSource\nmetadata: {name: infra}\nspec:\n  interval: 5s\n"+
		"  git: {url: %s/infra.git, ref: {branch: main}, paths: [%s]}\n", c.gitServer.URL, paths.String())
}

// folders are those that files are in.
func folders(files map[string]string) []string {
	all := map[string]bool{}
	for name := range files {
		all[path.Dir(name)] = true
	}
	return slices.Sorted(maps.Keys(all))
}

func (c *cluster) stop() {
	for i := range c.stops {
		c.stops[len(c.stops)-1-i]()
	}
}

// web is the Deployment that Git declares in a namespace, as JSON, which is YAML.
func web(namespace string) string {
	object := workload.Deployment("web", workload.Replicas, workload.Small)
	object["metadata"].(map[string]any)["namespace"] = namespace
	text, err := json.Marshal(object)
	if err != nil {
		panic(err) // of maps of text
	}
	return string(text)
}
