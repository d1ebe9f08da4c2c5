package policy_test

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"testing"

	"crypto/ed25519"

	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

// of makes a request one for an object of another kind.
func of(group, version, kind, namespace, name string) func(*policy.Request) {
	return func(r *policy.Request) {
		r.Key = gitindex.Key{Group: group, Kind: kind, Namespace: namespace, Name: name}
		r.Version = version
		r.Type = kschema.GroupVersionKind{Group: group, Version: version, Kind: kind}
		if namespace == "" {
			r.Namespace = nil
		}
	}
}

// owned says that the object belongs to Deployment staging/guestbook.
func owned(r *policy.Request) {
	r.Owner = gitindex.Key{Group: "apps", Kind: "Deployment", Namespace: "staging", Name: "guestbook"}
}

// ofNightly says that the object belongs to CronJob staging/nightly.
func ofNightly(r *policy.Request) {
	r.Owner = gitindex.Key{Group: "batch", Kind: "CronJob", Namespace: "staging", Name: "nightly"}
}

const (
	nightly      = `{apiVersion: batch/v1, kind: CronJob, metadata: {name: nightly, namespace: staging}}`
	pod          = `{metadata: {name: guestbook-1}, spec: {containers: [{name: web, image: "nginx:1.25"}]}}`
	podPatched   = `{metadata: {name: guestbook-1}, spec: {containers: [{name: web, image: evil}]}}`
	comesFrom    = "gitonly: Pod staging/guestbook-1 comes from Deployment staging/guestbook, which is declared in Git: apps/overlays/staging at main@4f2c1ab (checked 12s ago)."
	changeOwner  = "\nChange Deployment staging/guestbook instead: " + page
	sealedSecret = `{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {name: db, namespace: staging}}`
	external     = `{apiVersion: external-secrets.io/v1, kind: ExternalSecret, metadata: {name: db, namespace: staging}, spec: {target: {name: db-login}}}`
	certificate  = `{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: web, namespace: staging}, spec: {secretName: web-tls}}`
	widget       = `{apiVersion: example.com/v1, kind: Widget, metadata: {name: w, namespace: staging}}`
	definition   = `{metadata: {name: widgets.example.com}, spec: {group: example.com, names: {kind: Widget}}}`
	application  = `{metadata: {name: root}, spec: {source: {repoURL: "https://git.example.com/org/infra", targetRevision: main}}}`
	redirected   = `{metadata: {name: root}, spec: {source: {repoURL: "https://git.example.com/eve/infra", targetRevision: main}}}`
	refreshed    = `{metadata: {name: root, annotations: {argocd.argoproj.io/refresh: hard}}, spec: {source: {repoURL: "https://git.example.com/org/infra", targetRevision: main}}}`
	asAgent      = "gitonly: this would let ann act as ServiceAccount flux-system/kustomize-controller, which GuardPolicy test trusts to change anything. Only it and the control plane may."
)

func TestDecideOnObjectsThatGitIsSilentAbout(t *testing.T) {
	podKind := of("", "v1", "Pod", "staging", "guestbook-1")
	secretOf := func(name string) func(*policy.Request) { return of("", "v1", "Secret", "staging", name) }
	app := of("argoproj.io", "v1alpha1", "Application", "argocd", "root")
	inAgents := func(kind string) func(*policy.Request) {
		return of("", "v1", kind, "flux-system", "kustomize-controller")
	}
	lockdown := `{mode: Enforce, undeclaredObjects: {people: Deny, serviceAccounts: Deny}}`
	decisions{
		// Derived objects
		{name: "a Pod of a declared Deployment is changed",
			request: request(t, person, policy.Update, pod, podPatched, podKind, owned),
			reason:  policy.DerivedObjectChanged,
			message: comesFrom + "\nThis request changes:\n  spec.containers[name=web].image: the request changes it from \"nginx:1.25\" to \"evil\"" + changeOwner},
		{name: "nothing of it is changed",
			request: request(t, person, policy.Update, pod, pod, podKind, owned),
			outcome: policy.Allow, reason: policy.Unchanged},
		{name: "its status is reported",
			request: request(t, person, policy.Update, pod, `{metadata: {name: guestbook-1}, spec: {containers: [{name: web, image: "nginx:1.25"}]}, status: {phase: Failed}}`, podKind, owned, subresource("status")),
			outcome: policy.Allow, reason: policy.Unchanged},
		{name: "one more is made in its name",
			request: request(t, person, policy.Create, "", podPatched, podKind, owned),
			reason:  policy.DerivedObjectChanged, message: comesFrom + changeOwner},
		{name: "it is deleted, so that another one starts",
			request: request(t, person, policy.Delete, pod, "", podKind, owned),
			outcome: policy.Allow, reason: policy.DerivedObjectDeleted},
		{name: "it is evicted",
			request: request(t, person, policy.Create, "", `{metadata: {name: guestbook-1}}`, podKind, owned, subresource("eviction")),
			outcome: policy.Allow, reason: policy.DerivedObjectDeleted},
		{name: "it is deleted under a policy that refuses that", policy: `{mode: Enforce, derivedObjects: {delete: Deny}}`,
			request: request(t, person, policy.Delete, pod, "", podKind, owned),
			reason:  policy.DerivedObjectDeleted, message: comesFrom + "\nGuardPolicy test lets nobody delete it by hand." + changeOwner},
		{name: "it is deleted again", policy: `{mode: Enforce, derivedObjects: {delete: Deny}}`,
			request: request(t, person, policy.Delete, `{metadata: {deletionTimestamp: "2026-01-01T00:00:00Z"}}`, "", podKind, owned),
			outcome: policy.Allow, reason: policy.BeingDeleted},
		{name: "it is changed under a policy that lets people", policy: `{mode: Enforce, derivedObjects: {update: Allow}}`,
			request: request(t, person, policy.Update, pod, podPatched, podKind, owned),
			outcome: policy.Allow, reason: policy.DerivedObjectChanged},
		{name: "a service account changes it",
			request: request(t, robot, policy.Update, pod, podPatched, podKind, owned),
			outcome: policy.Allow, reason: policy.DerivedObjectChanged},
		{name: "a service account makes one in full lockdown", policy: lockdown,
			request: request(t, robot, policy.Create, "", pod, podKind, owned),
			outcome: policy.Allow, reason: policy.DerivedObjectChanged},
		{name: "it is deleted in full lockdown", policy: lockdown,
			request: request(t, person, policy.Delete, pod, "", podKind, owned),
			outcome: policy.Allow, reason: policy.DerivedObjectDeleted},
		{name: "a Job of a declared CronJob is made by hand", objects: []string{nightly},
			request: request(t, person, policy.Create, "", `{}`, of("batch", "v1", "Job", "staging", "once"), ofNightly),
			outcome: policy.Allow, reason: policy.UndeclaredObjectChanged},
		{name: "a Job of a declared CronJob is changed", objects: []string{nightly},
			request: request(t, person, policy.Update, `{spec: {parallelism: 1}}`, `{spec: {parallelism: 2}}`, of("batch", "v1", "Job", "staging", "once"), ofNightly),
			reason:  policy.DerivedObjectChanged,
			message: "gitonly: Job staging/once comes from CronJob staging/nightly, which is declared in Git: apps/overlays/staging at main@4f2c1ab (checked 12s ago).\nThis request changes:\n  spec.parallelism: the request changes it from 1 to 2\nChange CronJob staging/nightly instead: " + page},
		{name: "a Pod of nobody is changed",
			request: request(t, person, policy.Update, pod, podPatched, podKind),
			outcome: policy.Allow, reason: policy.UndeclaredObjectChanged},

		// Claimed objects
		{name: "the Secret of a SealedSecret is made by hand", objects: []string{sealedSecret},
			request: request(t, person, policy.Create, "", `{data: {password: c2VzYW1l}}`, secretOf("db")),
			reason:  policy.DerivedObjectChanged,
			message: "gitonly: Secret staging/db comes from SealedSecret staging/db, which is declared in Git: apps/overlays/staging at main@4f2c1ab (checked 12s ago).\nChange SealedSecret staging/db instead: " + page},
		{name: "the Secret of an ExternalSecret is changed by hand", objects: []string{external},
			request: request(t, person, policy.Update, `{data: {password: aHVudGVyMg==}}`, `{data: {password: c2VzYW1l}}`, secretOf("db-login")),
			reason:  policy.DerivedObjectChanged,
			message: "gitonly: Secret staging/db-login comes from ExternalSecret staging/db, which is declared in Git: apps/overlays/staging at main@4f2c1ab (checked 12s ago).\nThis request changes:\n  data.password: the request sets it\nChange ExternalSecret staging/db instead: " + page},
		{name: "the Secret of a Certificate is made by its controller", objects: []string{certificate},
			request: request(t, robot, policy.Create, "", `{data: {tls.key: c2VzYW1l}}`, secretOf("web-tls")),
			outcome: policy.Allow, reason: policy.DerivedObjectChanged},
		{name: "it is deleted, so that another one is issued", objects: []string{certificate},
			request: request(t, person, policy.Delete, `{data: {tls.key: c2VzYW1l}}`, "", secretOf("web-tls")),
			outcome: policy.Allow, reason: policy.DerivedObjectDeleted},

		// Holders
		{name: "the definition of declared objects is deleted", objects: []string{widget},
			request: request(t, person, policy.Delete, definition, "", of("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "", "widgets.example.com")),
			reason:  policy.KindHoldsDeclared,
			message: "gitonly: CustomResourceDefinition widgets.example.com defines 1 object that Git declares. Deleting it would delete them: remove them from Git first."},
		{name: "a definition that Git has no objects of is deleted",
			request: request(t, person, policy.Delete, definition, "", of("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "", "widgets.example.com")),
			outcome: policy.Allow, reason: policy.UndeclaredObjectChanged},
		{name: "a namespace with declared objects is taken out of the selector's reach", policy: `{mode: Enforce, match: {namespaceSelector: {matchLabels: {guarded: "yes"}}}}`,
			request: request(t, person, policy.Update, `{metadata: {labels: {guarded: "yes"}}}`, `{metadata: {}}`, ofNamespace("staging")),
			reason:  policy.NamespaceLeavesPolicy,
			message: "gitonly: Namespace staging holds 1 object that Git declares, and with these labels GuardPolicy test would guard them no longer. Declare the namespace in Git to label it there."},
		{name: "a namespace with declared objects gets another label", policy: `{mode: Enforce, match: {namespaceSelector: {matchLabels: {guarded: "yes"}}}}`,
			request: request(t, person, policy.Update, `{metadata: {labels: {guarded: "yes"}}}`, `{metadata: {labels: {guarded: "yes", team: web}}}`, ofNamespace("staging")),
			outcome: policy.Allow, reason: policy.UndeclaredObjectChanged},

		// The agent's levers
		{name: "the agent is sent to another repository",
			request: request(t, person, policy.Update, application, redirected, app),
			reason:  policy.AgentLeverChanged,
			message: "gitonly: Application argocd/root tells the sync agent what to apply, so it changes through Git only.\nThis request changes:\n  spec.source.repoURL: the request changes it from \"https://git.example.com/org/infra\" to \"https://git.example.com/eve/infra\"\nDeclare it in Git, with this change."},
		{name: "the agent is asked to look at Git again",
			request: request(t, person, policy.Update, application, refreshed, app),
			outcome: policy.Allow, reason: policy.Unchanged},
		{name: "the agent gets something new to apply",
			request: request(t, person, policy.Create, "", application, app),
			reason:  policy.AgentLeverChanged,
			message: "gitonly: Application argocd/root tells the sync agent what to apply, so it changes through Git only.\nDeclare it in Git."},
		{name: "what the agent applies is taken away",
			request: request(t, person, policy.Delete, application, "", app),
			reason:  policy.AgentLeverChanged,
			message: "gitonly: Application argocd/root tells the sync agent what to apply, so it changes through Git only.\nDeclare it in Git first, and then remove it there."},
		{name: "the agent's own server writes",
			request: request(t, policy.User{Name: "system:serviceaccount:argocd:argocd-server"}, policy.Update, application, redirected, app),
			outcome: policy.Allow, reason: policy.UndeclaredObjectChanged},
		{name: "a kind of the same group that is no lever",
			request: request(t, person, policy.Update, `{spec: {replicas: 1}}`, `{spec: {replicas: 2}}`, of("argoproj.io", "v1alpha1", "Rollout", "staging", "web")),
			outcome: policy.Allow, reason: policy.UndeclaredObjectChanged},
		{name: "a cluster is registered with Argo CD",
			request: request(t, person, policy.Create, "", `{metadata: {labels: {argocd.argoproj.io/secret-type: cluster}}, stringData: {server: "https://evil"}}`, of("", "v1", "Secret", "argocd", "evil")),
			reason:  policy.AgentLeverChanged,
			message: "gitonly: Secret argocd/evil tells the sync agent what to apply, so it changes through Git only.\nDeclare it in Git."},
		{name: "Argo CD's settings are changed",
			request: request(t, person, policy.Update, `{metadata: {labels: {app.kubernetes.io/part-of: argocd}}}`, `{metadata: {}, data: {kustomize.buildOptions: --enable-exec}}`, of("", "v1", "ConfigMap", "argocd", "argocd-cm")),
			reason:  policy.AgentLeverChanged,
			message: "gitonly: ConfigMap argocd/argocd-cm tells the sync agent what to apply, so it changes through Git only.\nThis request changes:\n  data: the request adds {\"kustomize.buildOptions\":\"--enable-exec\"}\n  metadata.labels: the request removes {\"app.kubernetes.io/part-of\":\"argocd\"}\nDeclare it in Git, with this change."},

		// Trusted identities
		{name: "a token of the agent", request: request(t, person, policy.Create, "", `{}`, inAgents("ServiceAccount"), subresource("token")),
			reason: policy.TrustedIdentityTaken, message: asAgent},
		{name: "a token of the agent, where the policy guards nothing else", policy: `{mode: Enforce, match: {resources: [{kinds: [Deployment]}]}}`,
			request: request(t, person, policy.Create, "", `{}`, inAgents("ServiceAccount"), subresource("token")),
			reason:  policy.TrustedIdentityTaken, message: asAgent},
		{name: "a token of the agent, for a service account",
			request: request(t, robot, policy.Create, "", `{}`, inAgents("ServiceAccount"), subresource("token")),
			reason:  policy.TrustedIdentityTaken,
			message: "gitonly: this would let system:serviceaccount:ci:robot act as ServiceAccount flux-system/kustomize-controller, which GuardPolicy test trusts to change anything. Only it and the control plane may."},
		{name: "a token of the agent, for the node it runs on", request: request(t, node, policy.Create, "", `{}`, inAgents("ServiceAccount"), subresource("token")),
			outcome: policy.Allow, reason: policy.SystemActor},
		{name: "a token of anybody else", request: request(t, person, policy.Create, "", `{}`, of("", "v1", "ServiceAccount", "ci", "robot"), subresource("token")),
			outcome: policy.Allow, reason: policy.PassiveSubresource},
		{name: "a token of the control plane", request: request(t, person, policy.Create, "", `{}`, of("", "v1", "ServiceAccount", "kube-system", "deployment-controller"), subresource("token")),
			reason:  policy.TrustedIdentityTaken,
			message: "gitonly: this would let ann act as ServiceAccount kube-system/deployment-controller, which GuardPolicy test trusts to change anything. Only it and the control plane may."},
		{name: "a Secret that gets the agent's token",
			request: request(t, person, policy.Create, "", `{type: kubernetes.io/service-account-token, metadata: {annotations: {kubernetes.io/service-account.name: kustomize-controller}}}`, of("", "v1", "Secret", "flux-system", "t")),
			reason:  policy.TrustedIdentityTaken, message: asAgent},
		{name: "a Secret that has the agent's token gets a label",
			request: request(t, person, policy.Update,
				`{type: kubernetes.io/service-account-token, metadata: {annotations: {kubernetes.io/service-account.name: kustomize-controller}}}`,
				`{type: kubernetes.io/service-account-token, metadata: {labels: {a: b}, annotations: {kubernetes.io/service-account.name: kustomize-controller}}}`, of("", "v1", "Secret", "flux-system", "t")),
			outcome: policy.Allow, reason: policy.UndeclaredObjectChanged},
		{name: "a Pod that runs as the agent",
			request: request(t, person, policy.Create, "", `{spec: {serviceAccountName: kustomize-controller}}`, of("", "v1", "Pod", "flux-system", "p")),
			reason:  policy.TrustedIdentityTaken, message: asAgent},
		{name: "a CronJob that runs as the agent",
			request: request(t, person, policy.Create, "", `{spec: {jobTemplate: {spec: {template: {spec: {serviceAccount: kustomize-controller}}}}}}`, of("batch", "v1", "CronJob", "flux-system", "p")),
			reason:  policy.TrustedIdentityTaken, message: asAgent},
		{name: "the agent's own Deployment gets another image",
			request: request(t, person, policy.Update, `{spec: {template: {spec: {serviceAccountName: kustomize-controller, containers: [{name: m, image: a}]}}}}`,
				`{spec: {template: {spec: {serviceAccountName: kustomize-controller, containers: [{name: m, image: b}]}}}}`, of("apps", "v1", "Deployment", "flux-system", "kustomize-controller")),
			reason: policy.TrustedIdentityTaken, message: asAgent},
		{name: "nothing of the agent's own Deployment changes",
			request: request(t, person, policy.Update, `{spec: {template: {spec: {serviceAccountName: kustomize-controller}}}}`,
				`{spec: {template: {spec: {serviceAccountName: kustomize-controller}}}}`, of("apps", "v1", "Deployment", "flux-system", "kustomize-controller")),
			outcome: policy.Allow, reason: policy.UndeclaredObjectChanged},
		{name: "an operator runs the agent",
			request: request(t, robot, policy.Create, "", `{spec: {template: {spec: {serviceAccountName: kustomize-controller}}}}`, of("apps", "v1", "Deployment", "flux-system", "kustomize-controller")),
			outcome: policy.Allow, reason: policy.UndeclaredObjectChanged},
		{name: "a Pod that runs as another account of the namespace",
			request: request(t, person, policy.Create, "", `{spec: {}}`, of("", "v1", "Pod", "flux-system", "p")),
			outcome: policy.Allow, reason: policy.UndeclaredObjectChanged},
		{name: "a shell in the agent's Pod",
			request: request(t, person, policy.Connect, "", `{command: [sh]}`, of("", "v1", "Pod", "flux-system", "p"), subresource("exec"), func(r *policy.Request) { r.PodAccount = "kustomize-controller" }),
			reason:  policy.TrustedIdentityTaken, message: asAgent},
		{name: "a shell in another Pod",
			request: request(t, person, policy.Connect, "", `{command: [sh]}`, of("", "v1", "Pod", "flux-system", "p"), subresource("exec"), func(r *policy.Request) { r.PodAccount = "default" }),
			outcome: policy.Allow, reason: policy.PassiveSubresource},
		{name: "a shell in a Pod of which nothing is known", policy: `{mode: Enforce, undecidable: Deny, match: {excludeNamespaces: [flux-system]}}`,
			request: request(t, person, policy.Connect, "", `{command: [sh]}`, of("", "v1", "Pod", "flux-system", "p"), subresource("exec"), func(r *policy.Request) { r.Problem = errors.New("reading it timed out") }),
			reason:  policy.Undecidable,
			message: "gitonly: can't decide on Pod flux-system/p: reading it timed out.\nGuardPolicy test refuses what can't be decided (undecidable: Deny)."},
		{name: "a client certificate of the agent's name is approved",
			request: request(t, person, policy.Update, "", signingRequest(t, "kubernetes.io/kube-apiserver-client", agent.Name), of("certificates.k8s.io", "v1", "CertificateSigningRequest", "", "c"), subresource("approval")),
			reason:  policy.TrustedIdentityTaken,
			message: "gitonly: this would let ann act as user system:serviceaccount:flux-system:kustomize-controller, which GuardPolicy test trusts to change anything. Only it and the control plane may."},
		{name: "a client certificate of a trusted group is approved",
			request: request(t, person, policy.Update, "", signingRequest(t, "kubernetes.io/kube-apiserver-client", "eve", "system:nodes"), of("certificates.k8s.io", "v1", "CertificateSigningRequest", "", "c"), subresource("approval")),
			reason:  policy.TrustedIdentityTaken,
			message: "gitonly: this would let ann act as user eve of system:nodes, which GuardPolicy test trusts to change anything. Only it and the control plane may."},
		{name: "a client certificate of a colleague is approved",
			request: request(t, person, policy.Update, "", signingRequest(t, "kubernetes.io/kube-apiserver-client", "bob"), of("certificates.k8s.io", "v1", "CertificateSigningRequest", "", "c"), subresource("approval")),
			outcome: policy.Allow, reason: policy.PassiveSubresource},
		{name: "a node's serving certificate is approved",
			request: request(t, person, policy.Update, "", signingRequest(t, "kubernetes.io/kubelet-serving", "system:node:a", "system:nodes"), of("certificates.k8s.io", "v1", "CertificateSigningRequest", "", "c"), subresource("approval")),
			outcome: policy.Allow, reason: policy.PassiveSubresource},
	}.run(t)
}

// signingRequest asks for a certificate of this user and these groups.
func signingRequest(t *testing.T, signer, user string, groups ...string) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: user, Organization: groups}}, key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	return `{spec: {signerName: ` + signer + `, request: ` + base64.StdEncoding.EncodeToString(text) + `}}`
}

func TestGitonlysOwnConfiguration(t *testing.T) {
	own := func(kind, name string) func(*policy.Request) {
		return func(r *policy.Request) { of("gitonly.dev", "v1alpha1", kind, "", name)(r) }
	}
	weaker := request(t, admin, policy.Update, `{spec: {mode: Enforce}}`, `{spec: {mode: Audit}}`, own("GuardPolicy", "test"))
	status := request(t, policy.User{Name: "system:serviceaccount:gitonly-system:gitonly"}, policy.Update, `{}`, `{status: {ready: true}}`, own("GuardPolicy", "test"), subresource("status"))
	loaded := snapshot(t, guestbook)
	never := gitindex.NewSnapshot([]gitindex.SourceState{{Source: gitindex.Source{Name: "typo", Locations: []gitindex.Location{{Path: "apps"}}}, Err: errors.New("no such host")}, loaded.Sources()[0]})
	strict := `{mode: Enforce, undecidable: Deny, undeclaredObjects: {people: Deny, serviceAccounts: Deny}, match: {resources: [{kinds: [Deployment]}]}}`
	const isOwn = "gitonly: GuardPolicy test says what gitonly guards, so it changes through Git only."
	for _, test := range []struct {
		name    string
		snap    *gitindex.Snapshot
		request policy.Request
		outcome policy.Outcome
		reason  policy.Reason
		message string
	}{
		{name: "a person weakens it", snap: loaded, request: weaker, reason: policy.AgentLeverChanged,
			message: isOwn + "\nThis request changes:\n  spec.mode: the request changes it from \"Enforce\" to \"Audit\"\nDeclare it in Git, with this change."},
		{name: "a person deletes it", snap: loaded, reason: policy.AgentLeverChanged,
			message: "gitonly: GuardPolicy test says what gitonly guards, so it changes through Git only.\nDeclare it in Git first, and then remove it there.",
			request: request(t, admin, policy.Delete, `{}`, "", own("GuardPolicy", "test"))},
		{name: "a person brings another Git", snap: loaded, reason: policy.AgentLeverChanged,
			message: "gitonly: GitSource eve says what gitonly guards, so it changes through Git only.\nDeclare it in Git.",
			request: request(t, admin, policy.Create, "", `{}`, own("GitSource", "eve"))},
		{name: "a person deletes the kind", snap: loaded, reason: policy.AgentLeverChanged,
			message: "gitonly: CustomResourceDefinition guardpolicies.gitonly.dev says what gitonly guards, so it changes through Git only.\nDeclare it in Git first, and then remove it there.",
			request: request(t, admin, policy.Delete, `{}`, "", of("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "", "guardpolicies.gitonly.dev"))},
		{name: "a person upgrades the kind", snap: loaded, outcome: policy.Allow, reason: policy.UndeclaredObjectChanged,
			request: request(t, admin, policy.Update, `{spec: {a: 1}}`, `{spec: {a: 2}}`, of("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "", "guardpolicies.gitonly.dev"))},
		{name: "a person repairs it before Git was ever there", snap: nil, request: weaker, outcome: policy.Allow, reason: policy.UndeclaredObjectChanged},
		{name: "a person repairs a source that never worked", snap: never, outcome: policy.Allow, reason: policy.UndeclaredObjectChanged,
			request: request(t, admin, policy.Update, `{spec: {git: {url: a}}}`, `{spec: {git: {url: b}}}`, own("GitSource", "typo"))},
		{name: "a pipeline weakens it", snap: loaded, reason: policy.AgentLeverChanged,
			message: isOwn + "\nThis request changes:\n  spec.mode: the request changes it from \"Enforce\" to \"Audit\"\nDeclare it in Git, with this change.",
			request: request(t, robot, policy.Update, `{spec: {mode: Enforce}}`, `{spec: {mode: Audit}}`, own("GuardPolicy", "test"))},
		{name: "gitonly writes status", snap: loaded, request: status, outcome: policy.Allow, reason: policy.UndeclaredObjectChanged},
		{name: "the agent changes it", snap: loaded, outcome: policy.Allow, reason: policy.AgentActor,
			request: request(t, agent, policy.Update, `{spec: {mode: Enforce}}`, `{spec: {mode: Audit}}`, own("GuardPolicy", "test"))},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := policy.Decide(test.request, test.snap, build(t, guard(t, "test", strict)))
			if v.Outcome != test.outcome || v.Reason != test.reason || v.Message != test.message {
				t.Errorf("%s for %s: %s", v.Outcome, v.Reason, v.Message)
			}
		})
	}
	declared := snapshot(t, `{apiVersion: gitonly.dev/v1alpha1, kind: GuardPolicy, metadata: {name: test}, spec: {mode: Enforce}}`)
	if v := policy.Decide(weaker, declared, build(t, guard(t, "test", enforce))); v.Reason != policy.DeclaredFieldChanged {
		t.Errorf("declared in Git: %s for %s", v.Outcome, v.Reason)
	}
	left := request(t, robot, policy.Update, `{spec: {mode: Enforce, undecidable: Deny}}`, `{spec: {mode: Enforce, undecidable: Allow}}`, own("GuardPolicy", "test"))
	if v := policy.Decide(left, declared, build(t, guard(t, "test", enforce))); v.Outcome != policy.Deny || v.Reason != policy.UndeclaredFieldChanged {
		t.Errorf("a field that Git leaves out: %s for %s", v.Outcome, v.Reason)
	}
	if v := policy.Decide(status, declared, build(t, guard(t, "test", enforce))); v.Outcome != policy.Allow || v.Reason != policy.Unchanged {
		t.Errorf("the status of what Git declares: %s for %s", v.Outcome, v.Reason)
	}
}

func TestNeedsOfARequest(t *testing.T) {
	podKind := of("", "v1", "Pod", "staging", "guestbook-1")
	lockdown := `{mode: Enforce, undeclaredObjects: {people: Deny, serviceAccounts: Deny}}`
	for _, test := range []struct {
		name    string
		policy  string // enforce if empty
		request policy.Request
		want    policy.Needs
	}{
		{name: "a person's change of an undeclared object needs its owner", request: request(t, person, policy.Update, pod, podPatched, podKind), want: policy.Needs{Owner: policy.Required}},
		{name: "of a declared one it doesn't", request: request(t, person, policy.Update, guestbook, scaled)},
		{name: "a person's deletion takes it if the request has it, as it is allowed either way", request: request(t, person, policy.Delete, pod, "", podKind), want: policy.Needs{Owner: policy.AtHand}},
		{name: "in full lockdown it does", policy: lockdown, request: request(t, person, policy.Delete, pod, "", podKind), want: policy.Needs{Owner: policy.Required}},
		{name: "there a change needs it for the message alone, as it is refused either way", policy: lockdown, request: request(t, person, policy.Update, pod, podPatched, podKind), want: policy.Needs{Owner: policy.Wanted}},
		{name: "a service account's change doesn't", request: request(t, robot, policy.Update, pod, podPatched, podKind)},
		{name: "in full lockdown it does too", policy: lockdown, request: request(t, robot, policy.Update, pod, podPatched, podKind), want: policy.Needs{Owner: policy.Required}},
		{name: "the agent's doesn't", policy: lockdown, request: request(t, agent, policy.Update, pod, podPatched, podKind)},
		{name: "a policy that is off needs nothing", policy: `{mode: "Off"}`, request: request(t, person, policy.Update, pod, podPatched, podKind)},
		{name: "a shell needs to know what the Pod runs as, where the agent lives", request: request(t, person, policy.Connect, "", `{}`, of("", "v1", "Pod", "flux-system", "p"), subresource("exec")), want: policy.Needs{PodAccount: true}},
		{name: "nowhere else", request: request(t, person, policy.Connect, "", `{}`, podKind, subresource("exec"))},
		{name: "a log is no shell", request: request(t, person, policy.Connect, "", `{}`, of("", "v1", "Pod", "flux-system", "p"), subresource("log"))},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.policy == "" {
				test.policy = enforce
			}
			if got := policy.NeedsOf(test.request, snapshot(t, guestbook), build(t, guard(t, "test", test.policy))); got != test.want {
				t.Errorf("needs %+v, want %+v", got, test.want)
			}
		})
	}
}
