package discover

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// account is a service account.
type account struct{ namespace, name string }

func (a account) compare(b account) int {
	return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name))
}

// fluxController is one of Flux's controllers, maybe in several shards.
type fluxController struct {
	component string
	accounts  []account

	// What its arguments say.
	defaultAccount string // that it impersonates; empty for none
	local          bool   // sources in other namespaces are not used
	strict         bool   // a variable without a value is an error
	ageSecret      string // with age keys for Kustomizations that name no Secret
}

// controller finds a controller by its Deployment in Flux's namespace. Without
// one it runs elsewhere, under the usual account, if there is work for it.
//
// Other namespaces don't count: a Deployment there may be anybody's, who would
// make their own service account the agent's by the labels on it.
func (f *fluxFinder) controller(c *fluxController, works bool) {
	for _, object := range f.cluster.List(schema.GroupKind{Group: "apps", Kind: "Deployment"}) {
		if !c.runs(object) {
			continue
		}
		if object.GetNamespace() != f.Namespace {
			f.problem(fmt.Sprintf("Deployment %s/%s", object.GetNamespace(), object.GetName()),
				fmt.Errorf("it looks like Flux's %s, but Flux is taken to run in %s: its service account is not trusted", c.component, f.Namespace))
			continue
		}
		name, _, _ := unstructured.NestedString(object.Object, "spec", "template", "spec", "serviceAccountName")
		c.accounts = append(c.accounts, account{f.Namespace, cmp.Or(name, "default")})
		c.read(arguments(object))
	}
	if len(c.accounts) == 0 && works {
		c.accounts = []account{{f.Namespace, c.component}}
	}
	for _, own := range c.accounts {
		f.identity(own, false)
	}
}

// runs reports whether a Deployment is the controller's, by its name or by the
// labels that Flux's own manifests and charts have.
func (c *fluxController) runs(object *unstructured.Unstructured) bool {
	labels := object.GetLabels()
	return object.GetName() == c.component || labels["app"] == c.component || labels["app.kubernetes.io/component"] == c.component
}

func arguments(object *unstructured.Unstructured) []string {
	var all []string
	containers, _, _ := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
	for _, container := range containers {
		fields, _ := container.(map[string]any)
		args, _, _ := unstructured.NestedStringSlice(fields, "args")
		all = append(all, args...)
	}
	return all
}

func (c *fluxController) read(args []string) {
	for i, arg := range args {
		name, value, has := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if !has && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
			value = args[i+1]
		}
		switch name {
		case "default-service-account":
			c.defaultAccount = value
		case "no-cross-namespace-refs":
			c.local = value != "false"
		case "sops-age-secret":
			c.ageSecret = value
		case "feature-gates":
			c.strict = c.strict || slices.Contains(strings.Split(value, ","), "StrictPostBuildSubstitutions=true")
		}
	}
}

// impersonated is the account that applies an object of a namespace; the zero
// account if that is the controller's own.
func (c *fluxController) impersonated(namespace, name string) account {
	if name = cmp.Or(name, c.defaultAccount); name == "" {
		return account{}
	}
	return account{namespace, name}
}

// allows reports whether an object may refer to another namespace.
func (c *fluxController) allows(own, other string) error {
	if c.local && own != other {
		return fmt.Errorf("it refers to a source in namespace %s, which --no-cross-namespace-refs of Flux's %s forbids", other, c.component)
	}
	return nil
}

func (f *fluxFinder) identity(of account, impersonated bool) *Identity {
	known := f.accounts[of]
	if known == nil {
		known = &Identity{Namespace: of.namespace, Name: of.name, Impersonated: impersonated}
		f.accounts[of] = known
	}
	return known
}
