package discover

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// argoCDProject says what its Applications may do.
type argoCDProject struct {
	Spec struct {
		SourceRepos                []string            `json:"sourceRepos"`
		SourceNamespaces           []string            `json:"sourceNamespaces"`
		Destinations               []argoCDDestination `json:"destinations"`
		DestinationServiceAccounts []struct {
			Server                string `json:"server"`
			Namespace             string `json:"namespace"`
			DefaultServiceAccount string `json:"defaultServiceAccount"`
		} `json:"destinationServiceAccounts"`
		SignatureKeys []struct {
			KeyID string `json:"keyID"`
		} `json:"signatureKeys"`
		SourceIntegrity *argoCDIntegrity `json:"sourceIntegrity"`
	} `json:"spec"`
}

func (f *argoCDFinder) readProjects(cluster Cluster) {
	for _, object := range cluster.List(projectKind) {
		if object.GetNamespace() != f.Namespace {
			continue
		}
		var project argoCDProject
		if err := decode(object, &project); err != nil {
			f.problem(fmt.Sprintf("AppProject %s/%s", f.Namespace, object.GetName()), err)
			continue
		}
		f.projects[object.GetName()] = &project
	}
}

// permits returns an Application's project, and the error for which Argo CD
// leaves the Application alone.
func (f *argoCDFinder) permits(app *argoCDApplication) (*argoCDProject, error) {
	name := cmp.Or(app.Spec.Project, "default")
	project, ok := f.projects[name]
	if !ok {
		return nil, fmt.Errorf("not applied by Argo CD: there is no AppProject %s/%s", f.Namespace, name)
	}
	if in := app.Metadata.Namespace; in != f.Namespace && !slices.ContainsFunc(project.Spec.SourceNamespaces, func(pattern string) bool { return namespaceMatches(pattern, in) }) {
		return nil, fmt.Errorf("not applied by Argo CD: AppProject %s permits no Applications in namespace %s (sourceNamespaces)", name, in)
	}
	for _, source := range app.sources() {
		if !project.permitsRepository(source.RepoURL) {
			return nil, fmt.Errorf("not applied by Argo CD: AppProject %s doesn't permit one of its repositories (sourceRepos)", name)
		}
	}
	if !project.permitsDestination(f.server(app.Spec.Destination), f.clusterName(app.Spec.Destination), app.Spec.Destination.Namespace) {
		return nil, fmt.Errorf("not applied by Argo CD: AppProject %s doesn't permit its destination (destinations)", name)
	}
	return project, nil
}

// server and clusterName are both of what this cluster is known by, of which a
// destination gives one.
func (f *argoCDFinder) server(to argoCDDestination) string {
	i := slices.IndexFunc(f.Destinations, func(here string) bool { return strings.Contains(here, "://") })
	if to.Server != "" || i < 0 {
		return to.Server
	}
	return f.Destinations[i]
}

func (f *argoCDFinder) clusterName(to argoCDDestination) string {
	i := slices.IndexFunc(f.Destinations, func(here string) bool { return here != "" && !strings.Contains(here, "://") })
	if to.Name != "" || i < 0 {
		return to.Name
	}
	return f.Destinations[i]
}

// permitsRepository needs one pattern that matches, and none with ! in front
// that does. A star alone is everything; any other stops at slashes.
func (p *argoCDProject) permitsRepository(url string) bool {
	permitted := false
	url = normalizedURL(url)
	for _, pattern := range p.Spec.SourceRepos {
		pattern, denies := strings.CutPrefix(pattern, "!")
		matches := pattern == "*" && !denies || globMatches(normalizedURL(pattern), url, '/')
		switch {
		case matches && denies:
			return false
		case matches != denies:
			permitted = true
		}
	}
	return permitted
}

func (p *argoCDProject) permitsDestination(server, name, namespace string) bool {
	matches := func(pattern, text string) bool {
		if denied, ok := strings.CutPrefix(pattern, "!"); ok {
			return !globMatches(denied, text)
		}
		return globMatches(pattern, text)
	}
	denies := func(pattern string) bool { return strings.HasPrefix(pattern, "!") }
	permitted := false
	for _, d := range p.Spec.Destinations {
		byName := name != "" && matches(d.Name, name)
		byServer := server != "" && matches(d.Server, server)
		inNamespace := matches(d.Namespace, namespace)
		switch {
		case (byName || byServer) && inNamespace:
			permitted = true
		case denies(d.Name) && !byName, denies(d.Server) && !byServer && inNamespace, denies(d.Namespace) && !inNamespace && byServer:
			return false
		}
	}
	return permitted
}

// account is the service account that an Application's objects are written as:
// nil where Argo CD writes none.
func (f *argoCDFinder) account(app *argoCDApplication, project *argoCDProject, own *Identity) (*Identity, error) {
	if !f.settings.impersonation {
		return own, nil
	}
	server, namespace := f.server(app.Spec.Destination), app.Spec.Destination.Namespace
	for _, to := range project.Spec.DestinationServiceAccounts {
		if !globMatches(to.Server, server) || !globMatches(to.Namespace, namespace) {
			continue
		}
		said := strings.TrimSpace(to.DefaultServiceAccount)
		if said == "" || strings.ContainsAny(said, "!*[]{}\\/") {
			return nil, fmt.Errorf("it is applied as nobody: its AppProject names the service account %q (destinationServiceAccounts)", to.DefaultServiceAccount)
		}
		in, name, qualified := strings.Cut(said, ":")
		if !qualified {
			in, name = cmp.Or(namespace, app.Metadata.Namespace), said
		}
		account := f.identity(in, name)
		account.Impersonated = account != own
		return account, nil
	}
	if f.settings.enforced {
		return nil, errors.New("it is applied as nobody: its AppProject names no service account for its destination (destinationServiceAccounts)")
	}
	return own, nil
}

// identity is the one identity of a service account.
func (f *argoCDFinder) identity(namespace, name string) *Identity {
	account := &Identity{Namespace: namespace, Name: name}
	if known, ok := f.accounts[account.User()]; ok {
		return known
	}
	f.accounts[account.User()] = account
	return account
}

// controller is the account of the application controller itself.
func (f *argoCDFinder) controller(cluster Cluster) *Identity {
	const name = "argocd-application-controller"
	var accounts []string
	for _, kind := range []string{"StatefulSet", "Deployment"} {
		for _, object := range cluster.List(schema.GroupKind{Group: "apps", Kind: kind}) {
			marked := object.GetLabels()["app.kubernetes.io/component"] == "application-controller" &&
				object.GetLabels()["app.kubernetes.io/part-of"] == "argocd"
			if object.GetNamespace() != f.Namespace || !marked && object.GetName() != name {
				continue
			}
			account, _, _ := unstructured.NestedString(object.Object, "spec", "template", "spec", "serviceAccountName")
			accounts = append(accounts, cmp.Or(account, "default"))
		}
	}
	slices.Sort(accounts)
	accounts = slices.Compact(accounts)
	switch len(accounts) {
	case 0:
		f.problem("Namespace "+f.Namespace, fmt.Errorf("no application controller of Argo CD is in it: none that is called %s, or has the labels app.kubernetes.io/component=application-controller and app.kubernetes.io/part-of=argocd", name))
		return nil
	case 1:
		return f.identity(f.Namespace, accounts[0])
	}
	f.problem("Namespace "+f.Namespace, fmt.Errorf("several application controllers of Argo CD are in it, and none is trusted: leave one of the service accounts %s", strings.Join(accounts, ", ")))
	return nil
}
