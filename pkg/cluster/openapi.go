package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/kube-openapi/pkg/schemaconv"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/structured-merge-diff/v6/schema"
)

// openAPI reads what the API server publishes of its kinds.
type openAPI struct {
	rest        rest.Interface
	definitions metadata.Getter // of CustomResourceDefinitions
}

func newOpenAPI(access *rest.Config, client *http.Client) (*openAPI, error) {
	documents, err := discovery.NewDiscoveryClientForConfigAndClient(access, client)
	if err != nil {
		return nil, err
	}
	objects, err := metadata.NewForConfigAndClient(access, client)
	if err != nil {
		return nil, err
	}
	crds := kschema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	return &openAPI{rest: documents.RESTClient(), definitions: objects.Resource(crds)}, nil
}

// index says where each group version's document is, with a hash in the address
// that changes with it.
type index map[kschema.GroupVersion]string

func (o *openAPI) index(ctx context.Context) (index, error) {
	var listed struct {
		Paths map[string]struct {
			ServerRelativeURL string `json:"serverRelativeURL"`
		} `json:"paths"`
	}
	if err := o.read(ctx, "/openapi/v3", &listed); err != nil {
		return nil, err
	}
	found := index{}
	for name, place := range listed.Paths {
		name, named := strings.CutPrefix(name, "apis/")
		if version, err := kschema.ParseGroupVersion(name); named && err == nil && version.Version != "" && version.Group != "" {
			found[version] = place.ServerRelativeURL
		}
	}
	return found, nil
}

// versions are those of a group, in order of name.
func (i index) versions(group string) []kschema.GroupVersion {
	var versions []kschema.GroupVersion
	for version := range i {
		if version.Group == group {
			versions = append(versions, version)
		}
	}
	slices.SortFunc(versions, compareVersions)
	return versions
}

// document is what is kept of a group version's document.
type document struct {
	address string
	asked   map[string]bool // the kinds it was read for
	schema  *schema.Schema
	types   map[string]schema.TypeRef // by kind, of those that it has
	plurals map[string]string         // by kind
}

// serves reports whether the document was read for these kinds; exactly for
// them, if all is true.
func (d *document) serves(kinds map[string]bool, all bool) bool {
	if all && len(kinds) != len(d.asked) {
		return false
	}
	for kind := range kinds {
		if !d.asked[kind] {
			return false
		}
	}
	return true
}

type groupVersionKind struct{ Group, Version, Kind string }

// component is a schema of a document, not read yet but for its name.
type component struct {
	Kinds []groupVersionKind `json:"x-kubernetes-group-version-kind"`
}

// document reads what a group version's document says of the asked kinds.
func (o *openAPI) document(ctx context.Context, version kschema.GroupVersion, address string, asked map[string]bool) (*document, error) {
	var full struct {
		Paths map[string]struct {
			Post struct {
				Kind groupVersionKind `json:"x-kubernetes-group-version-kind"`
			} `json:"post"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}
	if err := o.read(ctx, address, &full); err != nil {
		return nil, err
	}
	d := &document{address: address, asked: maps.Clone(asked), types: map[string]schema.TypeRef{}, plurals: map[string]string{}}
	for place, operations := range full.Paths {
		kind := operations.Post.Kind.Kind
		if last := path.Base(place); asked[kind] && !strings.Contains(place, "{name}") {
			d.plurals[kind] = last
		}
	}
	for _, name := range slices.Sorted(maps.Keys(full.Components.Schemas)) {
		var c component
		if json.Unmarshal(full.Components.Schemas[name], &c) != nil {
			continue // none that is a kind
		}
		for _, k := range c.Kinds {
			if k.Group == version.Group && k.Version == version.Version && asked[k.Kind] {
				d.types[k.Kind] = schema.TypeRef{NamedType: &name}
			}
		}
	}
	models, err := reached(full.Components.Schemas, d.types)
	if err != nil {
		return nil, fmt.Errorf("reading the schemas of %s: %w", version, err)
	}
	if d.schema, err = schemaconv.ToSchemaFromOpenAPI(models, false); err != nil {
		return nil, fmt.Errorf("reading the schemas of %s: %w", version, err)
	}
	return d, nil
}

// reached are the schemas that types need, read, without what comparing has no
// use for.
func reached(all map[string]json.RawMessage, types map[string]schema.TypeRef) (map[string]*spec.Schema, error) {
	models := map[string]*spec.Schema{}
	var next []string
	for _, ref := range types {
		next = append(next, *ref.NamedType)
	}
	for len(next) > 0 {
		name := next[len(next)-1]
		next = next[:len(next)-1]
		if models[name] != nil {
			continue
		}
		raw, ok := all[name]
		if !ok {
			return nil, fmt.Errorf("the schema %s is missing", name)
		}
		model := &spec.Schema{}
		if err := json.Unmarshal(raw, model); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		models[name] = model
		walkSchema(model, func(s *spec.Schema) {
			s.Default = whole(s.Default)
			if ref := s.Ref.String(); ref != "" {
				next = append(next, path.Base(ref))
			}
		})
	}
	return models, nil
}

// walkSchema visits a schema and those in it.
func walkSchema(s *spec.Schema, visit func(*spec.Schema)) {
	visit(s)
	for name, property := range s.Properties {
		walkSchema(&property, visit)
		s.Properties[name] = property
	}
	for i := range s.AllOf {
		walkSchema(&s.AllOf[i], visit)
	}
	if s.Items != nil && s.Items.Schema != nil {
		walkSchema(s.Items.Schema, visit)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		walkSchema(s.AdditionalProperties.Schema, visit)
	}
}

// whole spells whole numbers as objects have them.
func whole(value any) any {
	switch v := value.(type) {
	case float64:
		if n := int64(v); float64(n) == v {
			return n
		}
	case map[string]any:
		for name, member := range v {
			v[name] = whole(member)
		}
	case []any:
		for i, item := range v {
			v[i] = whole(item)
		}
	}
	return value
}

// read decodes the JSON at a place, which may have a query.
func (o *openAPI) read(ctx context.Context, place string, into any) error {
	address, err := url.Parse(place)
	if err != nil {
		return err
	}
	request := o.rest.Get().AbsPath(address.Path).SetHeader("Accept", "application/json")
	for name, values := range address.Query() {
		request.Param(name, values[0])
	}
	body, err := request.Stream(ctx)
	if err != nil {
		return fmt.Errorf("getting %s: %w", place, err)
	}
	if err := errors.Join(json.NewDecoder(body).Decode(into), body.Close()); err != nil {
		return fmt.Errorf("reading %s: %w", place, err)
	}
	return nil
}
