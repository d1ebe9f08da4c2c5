package render_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// A trap is a listener that must not be called and programs that must not be
// run: git and helm are all that the PATH has.
type trap struct {
	address string
	calls   atomic.Int32
	ran     string // a file that the programs write to
}

func setTrap(t *testing.T) *trap {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	bait := &trap{address: listener.Addr().String()}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			bait.calls.Add(1)
			_ = connection.Close()
		}
	}()
	bin := t.TempDir()
	bait.ran = filepath.Join(bin, "ran")
	for _, program := range []string{"git", "helm", "docker"} {
		script := "#!" + shell + "\necho " + program + " \"$@\" >> " + bait.ran + "\nexit 1\n"
		if err := os.WriteFile(filepath.Join(bin, program), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	return bait
}

func (b *trap) sprung() string {
	ran, _ := os.ReadFile(b.ran)
	if b.calls.Load() > 0 || len(ran) > 0 {
		return strings.TrimSpace(string(ran)) + " " + b.address
	}
	return ""
}

// remote has what Kustomize would fetch or run. HOST is the trap's address.
var remote = map[string]struct{ files, want string }{
	"a base over HTTP": {
		"-- app/kustomization.yaml --\nkind: Kustomization\nresources:\n- d.yaml\n- http://HOST/org/repo//base?ref=v1\n" + oneDeployment,
		"app/kustomization.yaml:4: remote base http://HOST/org/repo//base?ref=v1 is not fetched: copy it into this repository, or name it as a source of its own",
	},
	"a base among the deprecated bases": {
		"-- app/kustomization.yaml --\nbases:\n- HTTP://HOST/org/repo\n",
		"app/kustomization.yaml:2: remote base HTTP://HOST/org/repo is not fetched: copy it into this repository, or name it as a source of its own",
	},
	"a base over SSH": {
		"-- app/kustomization.yaml --\nresources:\n- ssh://git@HOST/org/repo.git\n",
		"app/kustomization.yaml:2: remote base ssh://HOST/org/repo.git is not fetched: copy it into this repository, or name it as a source of its own",
	},
	"a base as scp would write it": {
		"-- app/kustomization.yaml --\nresources:\n- git@HOST:org/repo.git\n",
		"app/kustomization.yaml:2: remote base git@HOST:org/repo.git is not fetched: copy it into this repository, or name it as a source of its own",
	},
	"a base on GitHub, for short": {
		"-- app/kustomization.yaml --\nresources:\n- GitHub.com/org/repo/base\n",
		"app/kustomization.yaml:2: remote base GitHub.com/org/repo/base is not fetched: copy it into this repository, or name it as a source of its own",
	},
	"a base on this machine's disk": {
		"-- app/kustomization.yaml --\nresources:\n- file:///srv/repo.git\n",
		"app/kustomization.yaml:2: remote base file:///srv/repo.git is not fetched: copy it into this repository, or name it as a source of its own",
	},
	"a base with a forced protocol": {
		"-- app/kustomization.yaml --\nresources:\n- git::http://HOST/org/repo\n",
		"app/kustomization.yaml:2: remote base git::http://HOST/org/repo is not fetched: copy it into this repository, or name it as a source of its own",
	},
	"a resource, two kustomizations down": {
		"-- app/kustomization.yaml --\nresources: [../b]\n-- b/kustomization.yaml --\ncomponents: [../c]\n-- c/kustomization.yaml --\nkind: Component\nresources:\n- http://me:pass@HOST/x.yaml\n",
		"c/kustomization.yaml:3: remote resource http://HOST/x.yaml is not fetched: copy it into this repository",
	},
	"a component": {
		"-- app/kustomization.yaml --\nresources: [d.yaml]\ncomponents:\n- http://HOST/org/repo\n" + oneDeployment,
		"app/kustomization.yaml:3: remote component http://HOST/org/repo is not fetched: copy it into this repository",
	},
	"a patch": {
		"-- app/kustomization.yaml --\nresources: [d.yaml]\npatches:\n- path: http://HOST/p.yaml\n" + oneDeployment,
		"app/kustomization.yaml:3: remote patch http://HOST/p.yaml is not fetched: copy it into this repository",
	},
	"a patch with one slash too few": {
		"-- app/kustomization.yaml --\nresources: [d.yaml]\npatchesStrategicMerge:\n- http:/HOST/p.yaml\n" + oneDeployment,
		"app/kustomization.yaml:3: remote patch http:/HOST/p.yaml is not fetched: copy it into this repository",
	},
	"a JSON patch": {
		"-- app/kustomization.yaml --\nresources: [d.yaml]\npatchesJson6902:\n- target: {kind: Deployment, name: web}\n  path: http://HOST/p.yaml\n" + oneDeployment,
		"app/kustomization.yaml:4: remote patch http://HOST/p.yaml is not fetched: copy it into this repository",
	},
	"a ConfigMap's file": {
		"-- app/kustomization.yaml --\nconfigMapGenerator:\n- name: a\n  files:\n  - key=http://HOST/p\n",
		"app/kustomization.yaml:4: remote file http://HOST/p is not fetched: copy it into this repository",
	},
	"a Secret's env file": {
		"-- app/kustomization.yaml --\nsecretGenerator:\n- name: a\n  env: http://HOST/p\n",
		"app/kustomization.yaml:3: remote file http://HOST/p is not fetched: copy it into this repository",
	},
	"a CRD schema": {
		"-- app/kustomization.yaml --\nresources: [d.yaml]\ncrds:\n- http://HOST/p\n" + oneDeployment,
		"app/kustomization.yaml:3: remote CRD schema http://HOST/p is not fetched: copy it into this repository",
	},
	"an OpenAPI schema": {
		"-- app/kustomization.yaml --\nresources: [d.yaml]\nopenapi:\n  path: http://HOST/p\n" + oneDeployment,
		"app/kustomization.yaml:3: remote schema http://HOST/p is not fetched: copy it into this repository",
	},
	"a configuration": {
		"-- app/kustomization.yaml --\nresources: [d.yaml]\nconfigurations:\n- http://HOST/p\n" + oneDeployment,
		"app/kustomization.yaml:3: remote configuration http://HOST/p is not fetched: copy it into this repository",
	},
	"a replacement": {
		"-- app/kustomization.yaml --\nresources: [d.yaml]\nreplacements:\n- path: http://HOST/p\n" + oneDeployment,
		"app/kustomization.yaml:3: remote replacement http://HOST/p is not fetched: copy it into this repository",
	},
	"a transformer": {
		"-- app/kustomization.yaml --\nresources: [d.yaml]\ntransformers:\n- http://HOST/p\n" + oneDeployment,
		"app/kustomization.yaml:3: remote transformer http://HOST/p is not fetched: copy it into this repository",
	},
	"a file that a transformer reads": {
		"-- app/kustomization.yaml --\nresources: [d.yaml]\ntransformers: [t.yaml]\n-- app/t.yaml --\n# patch\napiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: x}\nPath: http://HOST/p\n" + oneDeployment,
		"app/t.yaml:2: remote file http://HOST/p is not fetched: copy it into this repository",
	},
	"a file that an inline validator reads": {
		"-- app/kustomization.yaml --\nresources: [d.yaml]\nvalidators:\n- |-\n  apiVersion: builtin\n  kind: ReplacementTransformer\n  metadata: {name: x}\n  replacements: [{path: \"http://HOST/p\"}]\n" + oneDeployment,
		"app/kustomization.yaml:3: remote file http://HOST/p is not fetched: copy it into this repository",
	},
	"a file that a generator in a list in a folder reads": {
		"-- app/kustomization.yaml --\ngenerators: [../g]\n-- g/kustomization.yaml --\nresources: [g.yaml]\n-- g/g.yaml --\napiVersion: v1\nkind: List\nitems:\n- apiVersion: builtin\n  kind: ConfigMapGenerator\n  metadata: {name: x}\n  files: [\"k=http://HOST/p\"]\n",
		"g/g.yaml:1: remote file http://HOST/p is not fetched: copy it into this repository",
	},
	"a file that a value transformer reads": {
		"-- app/kustomization.yaml --\nresources: [d.yaml]\ntransformers: [t.yaml]\n-- app/t.yaml --\napiVersion: builtin\nkind: ValueAddTransformer\nmetadata: {name: x}\ntargetFilePath: http://HOST/p\n" + oneDeployment,
		"app/t.yaml:1: remote file http://HOST/p is not fetched: copy it into this repository",
	},
	"a path that a patch would make of a transformer's": {
		"-- app/kustomization.yaml --\nresources: [d.yaml]\ntransformers: [../t]\n-- t/kustomization.yaml --\nresources: [t.yaml]\npatches:\n- target: {kind: PatchTransformer}\n  patch: '[{\"op\": \"replace\", \"path\": \"/path\", \"value\": \"http://HOST/p\"}]'\n-- t/t.yaml --\napiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: x}\npath: harmless\n" + oneDeployment,
		"t/kustomization.yaml:2: patches is not supported in a kustomization of generators, transformers or validators: write their configuration out",
	},
	"a Helm chart": {
		"-- app/kustomization.yaml --\nresources: [d.yaml]\nhelmCharts:\n- name: x\n  repo: http://HOST\n" + oneDeployment,
		"app/kustomization.yaml:2: Helm charts are not rendered here: commit what they render to, and name that under resources",
	},
	"a Helm chart in the old way": {
		"-- app/kustomization.yaml --\nresources: [d.yaml]\nhelmChartInflationGenerator:\n- chartName: x\n  chartRepoUrl: http://HOST\n" + oneDeployment,
		"app/kustomization.yaml:2: Helm charts are not rendered here: commit what they render to, and name that under resources",
	},
	"a Helm chart by a generator": {
		"-- app/kustomization.yaml --\ngenerators:\n- |-\n  apiVersion: builtin\n  kind: HelmChartInflationGenerator\n  metadata: {name: x}\n  name: c\n  repo: http://HOST\n",
		"app/kustomization.yaml:2: Helm charts are not rendered here: commit what they render to, and name that under resources",
	},
	"a function in a container": {
		"-- app/kustomization.yaml --\nresources: [d.yaml]\ntransformers: [t.yaml]\n-- app/t.yaml --\napiVersion: example.com/v1\nkind: Sorcery\nmetadata:\n  name: x\n  annotations:\n    config.kubernetes.io/function: |\n      container: {image: HOST/sorcery}\n" + oneDeployment,
		"app/t.yaml:1: function HOST/sorcery is not run: only what is part of Kustomize (apiVersion: builtin) is; commit what it makes",
	},
	"a function that is a program": {
		"-- app/kustomization.yaml --\nresources: [d.yaml]\ntransformers: [t.yaml]\n-- app/t.yaml --\napiVersion: example.com/v1\nkind: Sorcery\nmetadata:\n  name: x\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: ./git}\n" + oneDeployment,
		"app/t.yaml:1: function ./git is not run: only what is part of Kustomize (apiVersion: builtin) is; commit what it makes",
	},
	"a plugin": {
		"-- app/kustomization.yaml --\ngenerators: [t.yaml]\n-- app/t.yaml --\napiVersion: example.com/v1\nkind: Sorcery\nmetadata: {name: x}\n",
		"app/t.yaml:1: plugin Sorcery is not run: only what is part of Kustomize (apiVersion: builtin) is; commit what it makes",
	},
}

func TestNothingIsFetchedOrRun(t *testing.T) {
	bait := setTrap(t)
	host := func(text string) string { return strings.ReplaceAll(text, "HOST", bait.address) }
	for name, test := range remote {
		t.Run(name, func(t *testing.T) {
			got := mustFail(t, tree(host(test.files)), gitindex.Location{Path: "app"})
			if want := host(test.want); got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
			if sprung := bait.sprung(); sprung != "" {
				t.Fatalf("it was fetched or run: %s", sprung)
			}
		})
	}
}

// TestTheTrapCatchesKustomizeItself sees to it that the test above would fail.
func TestTheTrapCatchesKustomizeItself(t *testing.T) {
	for name, entry := range map[string]string{"a GET request": "http://HOST/x.yaml", "a clone": "git@HOST:org/repo.git"} {
		t.Run(name, func(t *testing.T) {
			bait := setTrap(t)
			root := t.TempDir()
			write(t, root, "kustomization.yaml", "resources: ['"+strings.ReplaceAll(entry, "HOST", bait.address)+"']\n")
			options := krusty.MakeDefaultOptions()
			options.LoadRestrictions = types.LoadRestrictionsNone
			if _, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), root); err == nil {
				t.Error("Kustomize has built it")
			}
			if bait.sprung() == "" {
				t.Error("the trap has caught nothing")
			}
		})
	}
}
