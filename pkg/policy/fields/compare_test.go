package fields_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
)

var (
	deployment = kschema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	service    = kschema.GroupVersionKind{Version: "v1", Kind: "Service"}
	secret     = kschema.GroupVersionKind{Version: "v1", Kind: "Secret"}
	configMap  = kschema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}
	binding    = kschema.GroupVersionKind{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "RoleBinding"}
	widget     = kschema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Widget"}
	namespace  = kschema.GroupVersionKind{Version: "v1", Kind: "Namespace"}
	daemonSet  = kschema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "DaemonSet"}
	budget     = kschema.GroupVersionKind{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"}
	policy     = kschema.GroupVersionKind{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"}
)

const web = `
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      hostNetwork: false
      initContainers:
      - {name: first, image: "a:1"}
      - {name: second, image: "b:1"}
      containers:
      - name: web
        image: nginx:1.25
        args: [serve, --fast]
        env: [{name: MODE, value: prod}]
        ports: [{containerPort: 80}]
        resources: {limits: {cpu: 1000m, memory: 1024Mi}}
`

// live is web as the API server holds it.
const live = `
metadata: {resourceVersion: "7", generation: 3}
spec:
  replicas: 1
  revisionHistoryLimit: 10
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      dnsPolicy: ClusterFirst
      initContainers:
      - {name: first, image: "a:1", imagePullPolicy: IfNotPresent}
      - {name: second, image: "b:1", imagePullPolicy: IfNotPresent}
      containers:
      - name: web
        image: nginx:1.25
        imagePullPolicy: IfNotPresent
        args: [serve, --fast]
        env: [{name: MODE, value: prod}]
        ports: [{containerPort: 80, protocol: TCP}]
        resources: {limits: {cpu: "1", memory: 1Gi}}
`

// edit replaces text in live.
func edit(from, to string) string { return edited(live, from, to) }

func edited(object, from, to string) string {
	if !strings.Contains(object, from) {
		panic("the object has no " + from)
	}
	return strings.Replace(object, from, to, 1)
}

func TestCompare(t *testing.T) {
	for _, test := range []struct {
		name     string
		kind     kschema.GroupVersionKind
		git      string
		old, new string
		part     fields.Part
		want     []string
		same     bool // nothing changes at all
	}{
		{name: "an unchanged object changes nothing", kind: deployment, git: web, old: live, new: live, same: true},
		{
			name: "bookkeeping never counts", kind: deployment, git: web, old: live, same: true,
			new: edit(`resourceVersion: "7", generation: 3`, `resourceVersion: "8", generation: 4, managedFields: [{manager: kubectl}], annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}`),
		},
		{
			name: "a declared scalar takes another value", kind: deployment, git: web,
			old: live, new: edit("replicas: 1", "replicas: 5"),
			want: []string{"declared spec.replicas: git 1, old 1, new 5"},
		},
		{
			name: "a declared scalar returns to Git's value", kind: deployment, git: web,
			old: edit("replicas: 1", "replicas: 5"), new: live,
		},
		{
			name: "a declared scalar goes from one wrong value to another", kind: deployment, git: web,
			old: edit("replicas: 1", "replicas: 5"), new: edit("replicas: 1", "replicas: 6"),
			want: []string{"declared spec.replicas: git 1, old 5, new 6"},
		},
		{
			name: "a wrong value that the request leaves alone is not its doing", kind: deployment, git: web,
			old:  edit("replicas: 1", "replicas: 5"),
			new:  strings.Replace(edit("replicas: 1", "replicas: 5"), "revisionHistoryLimit: 10", "revisionHistoryLimit: 3", 1),
			want: []string{"undeclared spec.revisionHistoryLimit: git -, old 10, new 3"},
		},
		{
			name: "an item of a keyed list is named by its keys", kind: deployment, git: web,
			old: live, new: edit("nginx:1.25", "nginx:1.26"),
			want: []string{`declared spec.template.spec.containers[name=web].image: git "nginx:1.25", old "nginx:1.25", new "nginx:1.26"`},
		},
		{
			name: "a default belongs to a list's key", kind: deployment, git: web,
			old: live, new: edit("protocol: TCP", "protocol: UDP"),
			want: []string{
				`declared spec.template.spec.containers[name=web].ports[containerPort=80,protocol=TCP]: git {"containerPort":80}, old {"containerPort":80,"protocol":"TCP"}, new -`,
				`undeclared spec.template.spec.containers[name=web].ports[containerPort=80,protocol=UDP]: git -, old -, new {"containerPort":80,"protocol":"UDP"}`,
			},
		},
		{
			name: "a sidecar is one undeclared item", kind: deployment, git: web,
			old: live, new: edit("      containers:\n", "      containers:\n      - {name: spy, image: evil}\n"),
			want: []string{`undeclared spec.template.spec.containers[name=spy]: git -, old -, new {"image":"evil","name":"spy"}`},
		},
		{
			name: "a declared container is removed", kind: deployment, git: web,
			old: live, new: edit("      - {name: second, image: \"b:1\", imagePullPolicy: IfNotPresent}\n", ""),
			want: []string{`declared spec.template.spec.initContainers[name=second]: git {"image":"b:1","name":"second"}, old {"image":"b:1","imagePullPolicy":"IfNotPresent","name":"second"}, new -`},
		},
		{
			name: "a declared container returns without all that Git says of it", kind: deployment, git: web,
			old: edit("      - {name: second, image: \"b:1\", imagePullPolicy: IfNotPresent}\n", ""), new: edit(`{name: second, image: "b:1", imagePullPolicy: IfNotPresent}`, "{name: second}"),
			want: []string{`declared spec.template.spec.initContainers[name=second].image: git "b:1", old -, new -`},
		},
		{
			name: "declared containers change places", kind: deployment, git: web, old: live,
			new: strings.NewReplacer("name: first, image: \"a:1\"", "name: second, image: \"b:1\"", "name: second, image: \"b:1\"", "name: first, image: \"a:1\"").Replace(live),
			want: []string{
				`declared spec.template.spec.initContainers: git ["name=first","name=second"], old ["name=first","name=second"], new ["name=second","name=first"]`,
			},
		},
		{
			name: "an atomic list names the item that changes", kind: deployment, git: web,
			old: live, new: edit("--fast", "--slow"),
			want: []string{`declared spec.template.spec.containers[name=web].args[1]: git "--fast", old "--fast", new "--slow"`},
		},
		{
			name: "an atomic list of another length differs as a whole", kind: deployment, git: web,
			old: live, new: edit("[serve, --fast]", "[serve]"),
			want: []string{`declared spec.template.spec.containers[name=web].args: git ["serve","--fast"], old ["serve","--fast"], new ["serve"]`},
		},
		{
			name: "removing the only declared member of a structure names the member", kind: deployment, git: "spec: {template: {spec: {securityContext: {runAsNonRoot: true}}}}",
			old: "spec: {template: {spec: {securityContext: {runAsNonRoot: true}}}}", new: "spec: {template: {spec: {}}}",
			want: []string{"declared spec.template.spec.securityContext.runAsNonRoot: git true, old true, new -"},
		},
		{
			name: "a quantity in another spelling is the same", kind: deployment, git: web,
			old: edit(`cpu: "1"`, `cpu: "2"`), new: live,
		},
		{
			name: "a false that the API server doesn't store is declared all the same", kind: deployment, git: web,
			old: live, new: edit("dnsPolicy: ClusterFirst", "dnsPolicy: ClusterFirst\n      hostNetwork: true"),
			want: []string{"declared spec.template.spec.hostNetwork: git false, old -, new true"},
		},
		{
			name: "a false that the API server doesn't store is reached by absence", kind: deployment, git: web,
			old: edit("dnsPolicy: ClusterFirst", "dnsPolicy: ClusterFirst\n      hostNetwork: true"), new: live,
		},
		{
			name: "a false that means something else than absence is declared", kind: deployment, git: "spec: {template: {spec: {automountServiceAccountToken: false}}}",
			old: "spec: {template: {spec: {automountServiceAccountToken: false, dnsPolicy: Default}}}", new: "spec: {template: {spec: {dnsPolicy: Default}}}",
			want: []string{"declared spec.template.spec.automountServiceAccountToken: git false, old false, new -"},
		},
		{
			name: "a declared map's undeclared key", kind: namespace, git: "metadata: {labels: {team: web}}",
			old: "metadata: {labels: {team: web}}", new: "metadata: {labels: {team: web, pod-security.kubernetes.io/enforce: privileged}}",
			want: []string{`undeclared metadata.labels[pod-security.kubernetes.io/enforce]: git -, old -, new "privileged"`},
		},
		{
			name: "an empty map that the API server doesn't store declares nothing of what goes with it", kind: namespace, git: "metadata: {annotations: {}}",
			old: "metadata: {annotations: {a: x, b: z}}", new: "metadata: {}",
			want: []string{`undeclared metadata.annotations.a: git -, old "x", new -`, `undeclared metadata.annotations.b: git -, old "z", new -`},
		},
		{
			name: "an empty map that the API server doesn't store, and what comes into it", kind: namespace, git: "metadata: {annotations: {}}",
			old: "metadata: {}", new: "metadata: {annotations: {a: x}}",
			want: []string{`undeclared metadata.annotations.a: git -, old -, new "x"`},
		},
		{
			name: "an atomic map is Git's as a whole", kind: service, git: "spec: {selector: {app: web}}",
			old: "spec: {selector: {app: web}}", new: "spec: {selector: {app: web, tier: front}}",
			want: []string{`declared spec.selector.tier: git -, old -, new "front"`},
		},
		{
			name: "an empty structure that Git declares may not go", kind: policy, git: "spec: {podSelector: {}, ingress: [{}]}",
			old: "spec: {podSelector: {}, ingress: [{}]}", new: "spec: {podSelector: {}}",
			want: []string{`declared spec.ingress: git [{}], old [{}], new -`},
		},
		{
			name: "a list that is compared as a whole returns with the API server's defaults", kind: binding,
			git:  "subjects: [{kind: User, name: ann}]",
			old:  "subjects: [{kind: ServiceAccount, name: x, namespace: y}]",
			new:  "subjects: [{kind: User, name: ann, apiGroup: rbac.authorization.k8s.io}]",
			want: nil,
		},
		{
			name: "an item added to a list that is compared as a whole", kind: binding,
			git: "subjects: [{kind: User, name: ann}]", old: "subjects: [{kind: User, name: ann}]", new: "subjects: [{kind: User, name: ann}, {kind: User, name: bob}]",
			want: []string{`declared subjects: git [{"kind":"User","name":"ann"}], old [{"kind":"User","name":"ann"}], new [{"kind":"User","name":"ann"},{"kind":"User","name":"bob"}]`},
		},
		{
			name: "an item of a list that is compared as a whole gets more than Git says", kind: binding, git: "subjects: [{kind: User, name: ann}]",
			old: "subjects: [{kind: User, name: ann, apiGroup: rbac.authorization.k8s.io}]", new: "subjects: [{kind: User, name: ann, apiGroup: rbac.authorization.k8s.io, namespace: x}]",
			want: []string{`declared subjects[0].namespace: git -, old -, new "x"`},
		},
		{
			name: "an item of a list that is compared as a whole loses what Git leaves out", kind: binding, git: "subjects: [{kind: User, name: ann}]",
			old: "subjects: [{kind: User, name: ann, apiGroup: rbac.authorization.k8s.io, namespace: x}]", new: "subjects: [{kind: User, name: ann, apiGroup: rbac.authorization.k8s.io}]",
		},
		{
			name: "an atomic map loses what Git leaves out", kind: service, git: "spec: {selector: {app: web}}",
			old: "spec: {selector: {app: other, tier: front}}", new: "spec: {selector: {app: other}}",
		},
		{
			name: "a set's undeclared value", kind: namespace, git: "metadata: {finalizers: [a.example.com/x]}",
			old: "metadata: {finalizers: [a.example.com/x]}", new: "metadata: {finalizers: [a.example.com/x, b.example.com/y]}",
			want: []string{`undeclared metadata.finalizers[b.example.com/y]: git -, old -, new "b.example.com/y"`},
		},
		{
			name: "a set's declared value", kind: namespace, git: "metadata: {finalizers: [a.example.com/x]}",
			old: "metadata: {finalizers: [a.example.com/x]}", new: "metadata: {}",
			want: []string{`declared metadata.finalizers[a.example.com/x]: git "a.example.com/x", old "a.example.com/x", new -`},
		},
		{
			name: "a Secret's value is never shown", kind: secret, git: "stringData: {password: hunter2}",
			old: "data: {password: aHVudGVyMg==}", new: "data: {password: c2VzYW1l}",
			want: []string{"declared data.password: git (hidden), old (hidden), new (hidden)"},
		},
		{
			name: "stringData in Git equals data in the cluster", kind: secret, git: "stringData: {password: hunter2}",
			old: "data: {password: c2VzYW1l}", new: "data: {password: aHVudGVyMg==}",
		},
		{
			name: "an encrypted value is opaque and can't be changed", kind: secret,
			git: "data: {password: 'ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]'}\nsops: {mac: x}",
			old: "data: {password: aHVudGVyMg==}", new: "data: {password: c2VzYW1l}",
			want: []string{"declared data.password: git (hidden), old (hidden), new (hidden)"},
		},
		{
			name: "an encrypted value of any kind is opaque, the others are compared", kind: configMap,
			git: "data: {password: 'ENC[AES256_GCM,data:x]', theme: dark}\nsops: {mac: x}",
			old: "data: {password: hunter2, theme: dark}", new: "data: {password: guess, theme: light}",
			want: []string{"declared data.password: git (hidden), old (hidden), new (hidden)", `declared data.theme: git "dark", old "dark", new "light"`},
		},
		{
			name: "an object with encrypted values is spelled as ever", kind: deployment,
			git: strings.Replace(web, "[serve, --fast]", "[serve, 'ENC[AES256_GCM,data:x]']", 1) + "sops: {mac: x}\n",
			old: edit(`cpu: "1"`, `cpu: "2"`), new: edit("--fast", "--slow"),
			want: []string{"declared spec.template.spec.containers[name=web].args[1]: git (hidden), old (hidden), new (hidden)"},
		},
		{
			name: "a container with an encrypted value goes unseen", kind: deployment,
			git: "spec: {template: {spec: {initContainers: [{name: second, image: 'ENC[x]'}]}}}\nsops: {mac: x}",
			old: live, new: edit("      - {name: second, image: \"b:1\", imagePullPolicy: IfNotPresent}\n", ""),
			want: []string{"declared spec.template.spec.initContainers[name=second]: git (hidden), old (hidden), new -"},
		},
		{
			name: "an item whose key is encrypted makes its list one value", kind: deployment,
			git: "spec: {template: {spec: {initContainers: [{name: 'ENC[x]', image: x}, {name: second}]}}}\nsops: {mac: x}",
			old: live, new: edit("a:1", "a:2"),
			want: []string{`declared spec.template.spec.initContainers[0].image: git "x", old "a:1", new "a:2"`},
		},
		{
			name: "a number may be encrypted", kind: deployment, git: "spec: {replicas: 'ENC[x]', minReadySeconds: 5}\nsops: {mac: x}",
			old: "spec: {replicas: 1, minReadySeconds: 5}", new: "spec: {replicas: 2, minReadySeconds: 6}",
			want: []string{"declared spec.minReadySeconds: git 5, old 5, new 6", "declared spec.replicas: git (hidden), old (hidden), new (hidden)"},
		},
		{
			name: "what SOPS left in the clear of a Secret is compared", kind: secret,
			git: "stringData: {user: ann, password: 'ENC[x]'}\nsops: {mac: x}",
			old: "data: {user: Ym9i, password: eA==}", new: "data: {user: YW5u, password: eA==}",
		},
		{
			name: "status doesn't count where Git is silent", kind: deployment, git: web, same: true,
			old: live + "status: {replicas: 1}\n", new: live + "status: {replicas: 2}\n",
		},
		{
			name: "a write of the status may not carry metadata", kind: deployment, part: fields.Status,
			git: "metadata: {annotations: {contact: web}}\nspec: {replicas: 1}",
			old: "metadata: {annotations: {contact: web}}\nspec: {replicas: 1}\nstatus: {replicas: 1}",
			new: "metadata: {annotations: {contact: me}, ownerReferences: [{uid: x, name: gone}]}\nspec: {replicas: 1}\nstatus: {replicas: 2}",
			want: []string{
				`declared metadata.annotations.contact: git "web", old "web", new "me"`,
				`undeclared metadata.ownerReferences: git -, old -, new [{"name":"gone","uid":"x"}]`,
			},
		},
		{
			name: "a write of the status leaves the rest of the object alone", kind: deployment, git: web, part: fields.Status, same: true,
			old: live + "status: {replicas: 1}\n", new: edit("replicas: 1", "replicas: 5") + "status: {replicas: 2}\n",
		},
		{
			name: "the status that Git declares", kind: widget, git: "status: {lit: true}", part: fields.Status,
			old: "status: {lit: true}", new: "status: {lit: false}",
			want: []string{"declared status.lit: git true, old true, new false"},
		},
		{
			name: "scale is spec.replicas", kind: deployment, git: web, part: fields.Scale,
			old: "metadata: {name: web}\nspec: {replicas: 1}\nstatus: {replicas: 1}", new: "metadata: {name: web}\nspec: {replicas: 3}\nstatus: {replicas: 1}",
			want: []string{"declared spec.replicas: git 1, old 1, new 3"},
		},
		{
			name: "scale where Git leaves the replicas open", kind: deployment, git: "spec: {template: {}}", part: fields.Scale,
			old: "spec: {replicas: 1}", new: "spec: {replicas: 3}",
			want: []string{"undeclared spec.replicas: git -, old 1, new 3"},
		},
		{
			name: "a Scale leaves out its replicas where they are 0", kind: deployment, git: web, part: fields.Scale,
			old: "spec: {replicas: 1}", new: "spec: {}",
			want: []string{"declared spec.replicas: git 1, old 1, new 0"},
		},
		{
			name: "a scale to the 0 of Git", kind: deployment, git: "spec: {replicas: 0}", part: fields.Scale,
			old: "spec: {replicas: 3}", new: "spec: {}",
		},
		{
			name: "a kind without a schema is compared by its JSON", kind: widget, git: "spec: {size: 1, tags: [a, b]}",
			old: "spec: {size: 1, tags: [a, b], color: red}", new: "spec: {size: 1.0, tags: [a, c], color: blue}",
			want: []string{
				`undeclared spec.color: git -, old "red", new "blue"`,
				`declared spec.tags[1]: git "b", old "b", new "c"`,
			},
		},
		{
			name: "an empty list without a schema is not the same as none", kind: widget, git: "spec: {tags: []}",
			old: "spec: {tags: []}", new: "spec: {}",
			want: []string{`declared spec.tags: git [], old [], new -`},
		},
		{
			name: "an empty list without a schema returns", kind: widget, git: "spec: {tags: []}",
			old: "spec: {}", new: "spec: {tags: []}",
		},
		{
			name: "a DaemonSet's count of its templates is the API server's", kind: daemonSet, git: "spec: {minReadySeconds: 1}", same: true,
			old: "metadata: {annotations: {deprecated.daemonset.template.generation: '1'}}", new: "metadata: {annotations: {deprecated.daemonset.template.generation: '2'}}",
		},
		{
			name: "a Deployment's revision is its controller's", kind: deployment, git: "spec: {minReadySeconds: 1}", same: true,
			old: "metadata: {annotations: {deployment.kubernetes.io/revision: '1'}}", new: "metadata: {}",
		},
		{
			name: "elsewhere a revision is anyone's", kind: daemonSet, git: "spec: {minReadySeconds: 1}",
			old: "metadata: {annotations: {deployment.kubernetes.io/revision: '1'}}", new: "metadata: {}",
			want: []string{`undeclared metadata.annotations: git -, old {"deployment.kubernetes.io/revision":"1"}, new -`},
		},
		{
			name: "elsewhere such an annotation is anyone's", kind: deployment, git: "spec: {minReadySeconds: 1}",
			old: "metadata: {annotations: {a: b}}", new: "metadata: {annotations: {a: b, deprecated.daemonset.template.generation: '2'}}",
			want: []string{`undeclared metadata.annotations[deprecated.daemonset.template.generation]: git -, old -, new "2"`},
		},
		{
			name: "an atomic map returns to Git's empty one", kind: budget, git: "spec: {selector: {}}",
			old: "spec: {selector: {matchLabels: {app: web}}}", new: "spec: {selector: {}}",
		},
		{
			name: "an atomic map leaves Git's empty one", kind: budget, git: "spec: {selector: {}}",
			old: "spec: {selector: {}}", new: "spec: {selector: {matchLabels: {app: web}}}",
			want: []string{`declared spec.selector.matchLabels: git -, old -, new {"app":"web"}`},
		},
		{
			name: "a structure returns to where something else was", kind: widget, git: "spec: {size: {}, tags: [a]}",
			old: "spec: {size: big, tags: a}", new: "spec: {size: {}, tags: [a]}",
		},
		{
			name: "a structure with a false that the API server doesn't store returns to where something else was", kind: deployment,
			git: "spec: {template: {spec: {hostNetwork: false, subdomain: a}}}", old: "spec: {template: 0}", new: "spec: {template: {spec: {subdomain: a}}}",
		},
		{
			name: "something else comes to where a structure was", kind: widget, git: "spec: {size: {}, tags: [a]}",
			old: "spec: {size: {}, tags: [a]}", new: "spec: {size: big, tags: a}",
			want: []string{`declared spec.size: git {}, old {}, new "big"`, `declared spec.tags: git ["a"], old ["a"], new "a"`},
		},
		{
			name: "a declared container returns with what the API server fills in", kind: deployment, git: web,
			old: edit("      - {name: second, image: \"b:1\", imagePullPolicy: IfNotPresent}\n", ""),
			new: edit(`{name: second, image: "b:1", imagePullPolicy: IfNotPresent}`, `{name: second, image: "b:1", imagePullPolicy: IfNotPresent, resources: {}, terminationMessagePath: /dev/termination-log, terminationMessagePolicy: File}`),
		},
		{
			name: "a declared container returns with more than the API server fills in", kind: deployment, git: web,
			old: edit("      - {name: second, image: \"b:1\", imagePullPolicy: IfNotPresent}\n", ""),
			new: edit(`{name: second, image: "b:1", imagePullPolicy: IfNotPresent}`, `{name: second, image: "b:1", imagePullPolicy: Never, securityContext: {privileged: true}}`),
			want: []string{
				`undeclared spec.template.spec.initContainers[name=second].imagePullPolicy: git -, old -, new "Never"`,
				`undeclared spec.template.spec.initContainers[name=second].securityContext: git -, old -, new {"privileged":true}`,
			},
		},
		{
			name: "a declared port returns with its defaults", kind: service, git: "spec: {ports: [{port: 80}, {port: 81}]}",
			old: "spec: {ports: [{port: 81, protocol: TCP, targetPort: 81, nodePort: 30001}]}",
			new: "spec: {ports: [{port: 80, protocol: TCP, targetPort: 80, nodePort: 30000}, {port: 81, protocol: TCP, targetPort: 81, nodePort: 30001}]}",
		},
		{
			name: "a declared port returns with another target", kind: service, git: "spec: {ports: [{port: 80}]}",
			old: "spec: {}", new: "spec: {ports: [{port: 80, protocol: TCP, targetPort: 8080}]}",
			want: []string{`undeclared spec.ports[port=80,protocol=TCP].targetPort: git -, old -, new 8080`},
		},
		{
			name: "a node port that is there already isn't the API server's to change", kind: service, git: "spec: {ports: [{port: 80}]}",
			old: "spec: {ports: [{port: 80, protocol: TCP}]}", new: "spec: {ports: [{port: 80, protocol: TCP, nodePort: 30000}]}",
			want: []string{`undeclared spec.ports[port=80,protocol=TCP].nodePort: git -, old -, new 30000`},
		},
		{
			name: "a default goes with the field that it depends on", kind: deployment, git: "spec: {strategy: {type: Recreate}}",
			old: `spec: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: "25%", maxUnavailable: "25%"}}}`, new: "spec: {strategy: {type: Recreate}}",
		},
		{
			name: "a default comes with the field that it depends on", kind: deployment, git: "spec: {strategy: {type: RollingUpdate}}",
			old: "spec: {strategy: {type: Recreate}}", new: `spec: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: "25%", maxUnavailable: "25%"}}}`,
		},
		{
			name: "what comes with such a field and is no default", kind: deployment, git: "spec: {strategy: {type: RollingUpdate}}",
			old: "spec: {strategy: {type: Recreate}}", new: `spec: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: "99%", maxUnavailable: "25%"}}}`,
			want: []string{`undeclared spec.strategy.rollingUpdate: git -, old -, new {"maxSurge":"99%","maxUnavailable":"25%"}`},
		},
		{
			name: "data keys with dots stand in brackets", kind: configMap, git: "data: {app.properties: a=1}",
			old: "data: {app.properties: a=1}", new: "data: {app.properties: a=2}",
			want: []string{`declared data[app.properties]: git "a=1", old "a=1", new "a=2"`},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			types, err := builtin.Types()
			if err != nil {
				t.Fatal(err)
			}
			change, err := types.Compare(fields.Update{
				Type: test.kind, Declared: gitindex.NewManifest(toJSON(t, test.git)), Old: toJSON(t, test.old), New: toJSON(t, test.new), Part: test.part,
			})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range change.Differences {
				got = append(got, describe(d))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
			if change.Any == test.same {
				t.Errorf("Change.Any is %t", change.Any)
			}
		})
	}
}

func describe(d fields.Difference) string {
	kind := "undeclared"
	if d.Declared {
		kind = "declared"
	}
	return fmt.Sprintf("%s %s: git %s, old %s, new %s", kind, d.Path, text(d.Git), text(d.Old), text(d.New))
}

func text(v fields.Value) string {
	switch {
	case !v.Present:
		return "-"
	case v.Hidden:
		return "(hidden)"
	}
	return v.Text
}

func toJSON(t *testing.T, text string) []byte {
	t.Helper()
	object, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return object
}
