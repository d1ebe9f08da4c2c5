package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/gitindex/discover"
)

// agentLabel is on all that the agents' own manifests and charts install.
const agentLabel = "app.kubernetes.io/part-of in (argocd,flux)"

// The kinds that the agents work from.
var (
	argoCDKinds = []kschema.GroupKind{
		{Group: "argoproj.io", Kind: "Application"}, {Group: "argoproj.io", Kind: "AppProject"},
	}
	fluxKinds = []kschema.GroupKind{
		{Group: "kustomize.toolkit.fluxcd.io", Kind: "Kustomization"}, {Group: "helm.toolkit.fluxcd.io", Kind: "HelmRelease"},
		{Group: "source.toolkit.fluxcd.io", Kind: "GitRepository"}, {Group: "source.toolkit.fluxcd.io", Kind: "OCIRepository"},
		{Group: "source.toolkit.fluxcd.io", Kind: "HelmRepository"}, {Group: "source.toolkit.fluxcd.io", Kind: "HelmChart"},
		{Group: "source.toolkit.fluxcd.io", Kind: "Bucket"}, {Group: "source.toolkit.fluxcd.io", Kind: "ExternalArtifact"},
	}
	workloadKinds = []kschema.GroupKind{{Group: "apps", Kind: "Deployment"}, {Group: "apps", Kind: "StatefulSet"}}
)

// agentObjects is what discovery reads of the cluster: agents' kinds from
// watches that start when they are first needed, all else by name.
type agentObjects struct {
	mapper  meta.RESTMapper
	objects dynamic.Interface
	reader  client.Reader // not a cache: that would ask for the right to list Secrets everywhere
	changed func()

	mu           sync.Mutex
	watches      map[kschema.GroupKind]*kindWatch
	repositories map[client.ObjectKey]repositorySecret
}

func newAgentObjects(mapper meta.RESTMapper, objects dynamic.Interface, reader client.Reader, changed func()) *agentObjects {
	return &agentObjects{
		mapper: mapper, objects: objects, reader: reader, changed: changed,
		watches:      map[kschema.GroupKind]*kindWatch{},
		repositories: map[client.ObjectKey]repositorySecret{},
	}
}

// repositorySecret is what one of Argo CD's Secrets says beside credentials.
type repositorySecret struct {
	version string // resourceVersion
	said    discover.ArgoCDRepository
	ok      bool // it is about a repository
}

// follow watches kinds until ctx ends; each once.
func (a *agentObjects) follow(ctx context.Context, kinds []kschema.GroupKind) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, kind := range slices.Concat(kinds, workloadKinds) {
		if _, ok := a.watches[kind]; ok {
			continue
		}
		selector := ""
		if slices.Contains(workloadKinds, kind) {
			selector = agentLabel
		}
		w := newKindWatch(kind, selector, a.changed)
		a.watches[kind] = w
		go w.run(ctx, a.mapper, a.objects)
	}
}

// unknown names a kind whose objects weren't listed yet; empty if there is none.
func (a *agentObjects) unknown(kinds []kschema.GroupKind) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, kind := range slices.Concat(kinds, workloadKinds) {
		if w, ok := a.watches[kind]; !ok || !w.known.Load() {
			return kind.Kind
		}
	}
	return ""
}

// List implements discover.Cluster.
func (a *agentObjects) List(kind kschema.GroupKind) []*unstructured.Unstructured {
	a.mu.Lock()
	w, ok := a.watches[kind]
	a.mu.Unlock()
	if !ok {
		return nil
	}
	objects := w.list()
	slices.SortFunc(objects, func(a, b *unstructured.Unstructured) int {
		return strings.Compare(a.GetNamespace()+"/"+a.GetName(), b.GetNamespace()+"/"+b.GetName())
	})
	return objects
}

// Data implements discover.Cluster.
func (a *agentObjects) Data(ctx context.Context, kind, namespace, name string) (map[string][]byte, error) {
	key := client.ObjectKey{Namespace: namespace, Name: name}
	switch kind {
	case "Secret":
		return secretData(ctx, a.reader, key)
	case "ConfigMap":
		return configMapData(ctx, a.reader, key)
	}
	return nil, fmt.Errorf("%s %s is neither a Secret nor a ConfigMap", kind, key)
}

// Repositories implements discover.Cluster. It lists the Secrets' metadata, and
// reads those that changed one by one.
func (a *agentObjects) Repositories(ctx context.Context, namespace string) ([]discover.ArgoCDRepository, error) {
	var listed metav1.PartialObjectMetadataList
	listed.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
	err := a.reader.List(ctx, &listed, client.InNamespace(namespace), client.HasLabels{discover.ArgoCDSecretType})
	if err != nil {
		return nil, fmt.Errorf("listing Argo CD's repositories in namespace %s: %w", namespace, err)
	}
	var found []discover.ArgoCDRepository
	for i := range listed.Items {
		secret, err := a.repository(ctx, &listed.Items[i])
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if secret.ok {
			found = append(found, secret.said)
		}
	}
	return found, nil
}

func (a *agentObjects) repository(ctx context.Context, listed *metav1.PartialObjectMetadata) (repositorySecret, error) {
	key := client.ObjectKeyFromObject(listed)
	a.mu.Lock()
	known, ok := a.repositories[key]
	a.mu.Unlock()
	if ok && known.version == listed.ResourceVersion {
		return known, nil
	}
	data, err := a.Data(ctx, "Secret", key.Namespace, key.Name)
	if err != nil {
		return repositorySecret{}, err
	}
	read := repositorySecret{version: listed.ResourceVersion}
	read.said, read.ok = discover.NewArgoCDRepository(key.Name, listed.Labels, data)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.repositories[key] = read
	return read, nil
}

var errUnlisted = errors.New("they could not be listed yet: see that they are served, and that gitonly's ClusterRole lets it list and watch them")
