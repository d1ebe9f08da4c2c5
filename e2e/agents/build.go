package agents

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"gitonly.dev/gitonly/e2e/workshop"
)

//go:embed modules
var moduleFiles embed.FS

// recipe says what is built of modules/NAME.mod, with the Go files in modules/NAME if there are any,
// and what is copied.
type recipe struct {
	name     string
	module   string // whose version it is
	flags    string // for the linker
	programs []program
	files    []string // paths in the module
}

type program struct{ name, module, pkg, takes string }

const (
	argoCD        = "argocd"
	fluxKustomize = "kustomize-controller"
	fluxSource    = "source-controller"
	sealedSecrets = "sealed-secrets"
	certManager   = "cert-manager"
	sops          = "sops"
	kustomize     = "kustomize"
	helm          = "helm"

	fluxCRDs         = "config/crd/bases"
	argoManifests    = "manifests/install.yaml"
	sealedSecretsCRD = "helm/sealed-secrets/crds"
	certManagerCRDs  = "deploy/crds"

	certManagerController = "cert-manager-controller"
	certManagerCAInjector = "cert-manager-cainjector"
)

func recipes() []recipe {
	const sealed = "github.com/bitnami/sealed-secrets"
	return []recipe{
		{name: fluxKustomize, module: "github.com/fluxcd/kustomize-controller", files: []string{fluxCRDs},
			programs: []program{{name: "kustomize-controller", takes: "2 minutes"}}},
		// Of source-controller only the kinds: a package that it imports can't be downloaded.
		{name: fluxSource, module: "github.com/fluxcd/source-controller", files: []string{fluxCRDs}},
		{name: argoCD, module: "github.com/argoproj/argo-cd/v3", files: []string{argoManifests},
			flags:    "-X github.com/argoproj/argo-cd/v3/common.version=VERSION",
			programs: []program{{name: "argocd", pkg: "github.com/argoproj/argo-cd/v3/cmd", takes: "3 minutes"}}},
		{name: kustomize, module: "sigs.k8s.io/kustomize/kustomize/v5",
			programs: []program{{name: "kustomize", takes: "5 seconds"}}},
		{name: helm, module: "helm.sh/helm/v4",
			programs: []program{{name: "helm", pkg: "helm.sh/helm/v4/cmd/helm", takes: "90 seconds"}}},
		{name: sops, module: "github.com/getsops/sops/v3", programs: []program{
			{name: "sops", pkg: "github.com/getsops/sops/v3/cmd/sops", takes: "1 minute"},
			{name: "age-keygen", module: "filippo.io/age", pkg: "filippo.io/age/cmd/age-keygen", takes: "5 seconds"},
		}},
		{name: sealedSecrets, module: sealed, files: []string{sealedSecretsCRD}, programs: []program{
			{name: "sealed-secrets-controller", pkg: sealed + "/cmd/controller", takes: "1 minute"},
			{name: "kubeseal", pkg: sealed + "/cmd/kubeseal", takes: "10 seconds"},
		}},
		{name: certManager, module: "github.com/cert-manager/cert-manager", files: []string{certManagerCRDs}, programs: []program{
			{name: certManagerController, pkg: "./controller/main.go", takes: "2 minutes"},
			{name: certManagerCAInjector, pkg: "./cainjector/main.go", takes: "10 seconds"},
		}},
	}
}

// pinned returns the module of a recipe.
func (r recipe) pinned() (workshop.Module, error) {
	mod, err := moduleFiles.ReadFile("modules/" + r.name + ".mod")
	if err != nil {
		return workshop.Module{}, err
	}
	sum, err := moduleFiles.ReadFile("modules/" + r.name + ".sum")
	if err != nil {
		return workshop.Module{}, err
	}
	sources, err := r.sources()
	if err != nil {
		return workshop.Module{}, err
	}
	m := workshop.Module{Name: "agents/" + r.name, Mod: mod, Sum: sum, Sources: sources}
	version, err := m.Required(r.module)
	if err != nil {
		return workshop.Module{}, err
	}
	version = strings.TrimPrefix(version, "v")
	m.Name += "-" + version
	m.LinkerFlags = strings.TrimSpace("-s -w " + strings.ReplaceAll(r.flags, "VERSION", version))
	return m, nil
}

// sources are the module's own Go files.
func (r recipe) sources() (map[string][]byte, error) {
	own, err := fs.Sub(moduleFiles, "modules/"+r.name)
	if err != nil {
		return nil, err
	}
	paths, err := fs.Glob(own, "*/*.go")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, path := range paths {
		if files[path], err = fs.ReadFile(own, path); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// Build builds all agents that aren't in the cache yet, and tells progress how far it is. What starts
// one builds it too.
func Build(ctx context.Context, progress io.Writer) error {
	for _, r := range recipes() {
		if _, err := build(ctx, r.name, progress); err != nil {
			return err
		}
	}
	return nil
}

// built is a recipe's products: absolute paths by the names of programs and files.
type built map[string]string

// build returns what a recipe makes.
func build(ctx context.Context, name string, progress io.Writer) (built, error) {
	w := workshop.Workshop{Progress: progress}
	for _, r := range recipes() {
		if r.name != name {
			continue
		}
		m, err := r.pinned()
		if err != nil {
			return nil, fmt.Errorf("read what %s is built of: %w", name, err)
		}
		paths := built{}
		for _, p := range r.programs {
			paths[p.name], err = w.Build(ctx, m, workshop.Program{
				Name: p.name, Module: cmp.Or(p.module, r.module), Package: cmp.Or(p.pkg, r.module), Takes: p.takes,
			})
			if err != nil {
				return nil, err
			}
		}
		for _, file := range r.files {
			if paths[file], err = w.Fetch(ctx, m, r.module, file); err != nil {
				return nil, err
			}
		}
		return paths, nil
	}
	return nil, fmt.Errorf("no recipe makes %s", name)
}

// CertManagerKinds returns the path of a folder with the definitions of cert-manager's kinds.
func CertManagerKinds(ctx context.Context, progress io.Writer) (string, error) {
	paths, err := build(ctx, certManager, progress)
	return paths[certManagerCRDs], err
}

// Helm returns the path of the helm program, which is built if need be.
func Helm(ctx context.Context, progress io.Writer) (string, error) {
	paths, err := build(ctx, helm, progress)
	return paths[helm], err
}
