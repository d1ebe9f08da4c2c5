package main

import (
	"errors"
	"fmt"
	"strings"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// target is an object that somebody names.
type target struct {
	mapping   *apimeta.RESTMapping
	namespace string // empty for cluster-scoped ones
	name      string
	objects   dynamic.ResourceInterface
	client    dynamic.Interface
}

// in returns the objects in another version of their kind.
func (t *target) in(version string) dynamic.ResourceInterface {
	resource := t.client.Resource(t.mapping.Resource.GroupResource().WithVersion(version))
	if t.namespace == "" {
		return resource
	}
	return resource.Namespace(t.namespace)
}

// String is the object as gitonly's messages name it.
func (t *target) String() string {
	if t.namespace == "" {
		return t.mapping.GroupVersionKind.Kind + " " + t.name
	}
	return t.mapping.GroupVersionKind.Kind + " " + t.namespace + "/" + t.name
}

// args name the object to kubectl.
func (t *target) args() string {
	kind := strings.ToLower(t.mapping.GroupVersionKind.Kind)
	if group := t.mapping.GroupVersionKind.Group; strings.Contains(group, ".") {
		kind += "." + group // another group may have a kind of that name
	}
	if t.namespace == "" {
		return kind + "/" + t.name
	}
	return kind + "/" + t.name + " -n " + t.namespace
}

// splitTarget takes KIND/NAME or KIND NAME apart.
func splitTarget(args []string) (kind, name string, err error) {
	switch len(args) {
	case 1:
		kind, name, _ = strings.Cut(args[0], "/")
	case 2:
		kind, name = args[0], args[1]
	}
	if kind == "" || name == "" || strings.Contains(kind+name, "/") {
		return "", "", fmt.Errorf("%q names no object: write KIND/NAME, such as deployment/web", strings.Join(args, " "))
	}
	return kind, name, nil
}

// findTarget asks the API server what an object's kind is, as kubectl does: it
// may be a kind, a resource or a short name, with or without group.
func findTarget(config *rest.Config, namespace, kind, name string) (*target, error) {
	asked, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	cached := memory.NewMemCacheClient(asked)
	if _, err := cached.ServerGroups(); err != nil {
		return nil, fmt.Errorf("asking %s what kinds it has: %w", config.Host, err)
	}
	mapper := restmapper.NewShortcutExpander(restmapper.NewDeferredDiscoveryRESTMapper(cached), cached, nil)
	mapping, err := mappingFor(mapper, kind)
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	t := &target{mapping: mapping, name: name, objects: client.Resource(mapping.Resource), client: client}
	if mapping.Scope.Name() == apimeta.RESTScopeNameNamespace {
		t.namespace, t.objects = namespace, client.Resource(mapping.Resource).Namespace(namespace)
	}
	return t, nil
}

func mappingFor(mapper apimeta.RESTMapper, kind string) (*apimeta.RESTMapping, error) {
	versioned, resource := schema.ParseResourceArg(strings.ToLower(kind))
	if versioned == nil {
		versioned = &schema.GroupVersionResource{}
	}
	found, err := mapper.KindFor(*versioned)
	if err != nil || found.Empty() {
		found, err = mapper.KindFor(resource.WithVersion(""))
	}
	if ambiguous := (*apimeta.AmbiguousResourceError)(nil); errors.As(err, &ambiguous) {
		return nil, fmt.Errorf("several kinds are called %s: write its group too, such as %s.example.com", kind, kind)
	}
	if apimeta.IsNoMatchError(err) {
		return nil, fmt.Errorf("the API server knows no kind %s: kubectl api-resources lists them", kind)
	}
	if err != nil {
		return nil, fmt.Errorf("asking the API server for kind %s: %w", kind, err)
	}
	return mapper.RESTMapping(found.GroupKind(), found.Version)
}
