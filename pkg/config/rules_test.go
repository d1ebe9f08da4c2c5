package config

import (
	"fmt"
	"strings"
	"testing"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

const (
	wantURL         = "spec.git.url: must be one of https://host/path, http://host/path, ssh://user@host/path, user@host:path and file:///path"
	wantNoPassword  = "spec.git.url: must hold no password or token, and for https no user name: put them into a Secret, and its name into secretRef"
	wantOneRef      = "spec.git.ref: set at most one of branch, tag, semver and commit"
	wantBranch      = "spec.git.ref.branch: must be a branch's name, such as main: no spaces or wildcards, and no refs/heads/ in front"
	wantTag         = "spec.git.ref.tag: must be a tag's name, such as v1.2.0: no spaces or wildcards, and no refs/tags/ in front"
	wantSemVer      = "spec.git.ref.semver: must be a range of versions, such as '>=1.2.0 <2.0.0' or '1.4.x'"
	wantCommit      = "spec.git.ref.commit: must be a full commit hash: 40 or 64 hexadecimal digits"
	wantRelative    = "spec.git.paths[0].path: must start at the repository's root, with no / in front"
	wantInside      = "spec.git.paths[0].path: must stay inside the repository, with no .. in it"
	wantPathNS      = "spec.git.paths[0].namespace: must be the name of a namespace: lower-case letters, digits and '-'"
	wantSecret      = "spec.git.secretRef.name: must be the name of a Secret: lower-case letters, digits, '-' and '.'"
	wantTagToVerify = "spec.git: verify.mode Tag and TagAndHEAD need ref.tag or ref.semver: nothing else comes to a tag"
	wantInterval    = "spec.interval: must be a duration of 5s or more, such as 30s, 1m or 1h30m"
	wantOneOrigin   = "spec: set exactly one of git, argoCD and flux"
	wantArgoNS      = "spec.argoCD.namespace: must be the name of a namespace: lower-case letters, digits and '-'"
	wantExcluded    = "spec.match.excludeNamespaces[0]: must be the name of a namespace: lower-case letters, digits and '-'"
	wantSelector    = "spec.match.namespaceSelector: matchExpressions must each have operator In or NotIn with values, or Exists or DoesNotExist without"
	wantGroup       = "spec.match.resources[0].apiGroups[0]: must be an API group without version, such as apps, or '*'"
	wantAllGroups   = "spec.match.resources[0].apiGroups: '*' is every group already: list it alone"
	wantKind        = "spec.match.resources[0].kinds[0]: must be a kind as manifests have it, such as Deployment, or '*'"
	wantAllKinds    = "spec.match.resources[0].kinds: '*' is every kind already: list it alone"
	wantFieldPath   = "spec.ignoreFields[0].paths[0]: must be a path such as spec.replicas: no / or . in front"
	wantNamespace   = "spec.agents.subjects[0].namespace: is required: a ServiceAccount belongs to a namespace"
	wantNoNamespace = "spec.agents.subjects[0].namespace: must be left out: only a ServiceAccount belongs to a namespace"
)

// What a field, in flow YAML, is told; nothing if it is accepted.
var ruleTests = []struct{ kind, field, want string }{
	{"url", `https://git.example.com/infra.git`, ""},
	{"url", `http://127.0.0.1:8080/infra`, ""},
	{"url", `ssh://git@git.example.com:2222/infra`, ""},
	{"url", `git@git.example.com:org/infra.git`, ""},
	{"url", `"git@[::1]:infra"`, ""},
	{"url", `file:///srv/infra.git`, ""},
	{"url", `git://git.example.com/infra`, wantURL},
	{"url", `ftp://git.example.com/infra`, wantURL},
	{"url", `ext::sh`, wantURL},
	{"url", `https://git.example.com`, wantURL},
	{"url", `https:///infra`, wantURL},
	{"url", `git.example.com/infra`, wantURL},
	{"url", `"git.example.com:infra"`, wantURL},
	{"url", `/srv/infra.git`, wantURL},
	{"url", `file://srv/infra.git`, wantURL},
	{"url", `"https://host/in fra"`, wantURL},
	{"url", `https://robot:hunter2@host/infra`, wantNoPassword},
	{"url", `https://hunter2@host/infra`, wantNoPassword},
	{"url", `ssh://git:hunter2@host/infra`, wantNoPassword},

	{"ref", `{}`, ""},
	{"ref", `{branch: feature/one}`, ""},
	{"ref", `{branch: main, tag: v1}`, wantOneRef},
	{"ref", `{semver: 1.x, commit: 0123456789abcdef0123456789abcdef01234567}`, wantOneRef},
	{"ref", `{branch: refs/heads/main}`, wantBranch},
	{"ref", `{branch: "release *"}`, wantBranch},
	{"ref", `{branch: ""}`, "spec.git.ref.branch: must not be empty; " + wantBranch},
	{"ref", `{tag: v1.2.0}`, ""},
	{"ref", `{tag: refs/tags/v1}`, wantTag},
	{"ref", `{semver: ">=1.2.0-0 <2.0.0 || ~3.1"}`, ""},
	{"ref", `{semver: "v1; rm"}`, wantSemVer},
	{"ref", `{commit: 0123456789abcdef0123456789ABCDEF01234567}`, ""},
	{"ref", `{commit: "` + strings.Repeat("0123456789abcdef", 4) + `"}`, ""},
	{"ref", `{commit: 4f2c1ab}`, wantCommit},
	{"ref", `{commit: main}`, wantCommit},

	{"path", `{path: apps/overlays/staging}`, ""},
	{"path", `{path: ./apps/}`, ""},
	{"path", `{path: .}`, ""},
	{"path", `{path: apps/..hidden/a..b}`, ""},
	{"path", `{path: /apps}`, wantRelative},
	{"path", `{path: ..}`, wantInside},
	{"path", `{path: ../apps}`, wantInside},
	{"path", `{path: apps/../../etc}`, wantInside},
	{"path", `{path: apps/..}`, wantInside},
	{"path", `{path: a, namespace: team-1}`, ""},
	{"path", `{path: a, namespace: Team}`, wantPathNS},
	{"path", `{path: a, namespace: team-}`, wantPathNS},
	{"path", `{path: a, render: Helm}`, ""},
	{"path", `{path: a, render: Jsonnet}`, ""},
	{"path", `{path: a, render: Tanka}`, `spec.git.paths[0].render: "Tanka" is not one of "Auto", "Plain", "Kustomize", "Helm", "Jsonnet"`},

	{"secretRef", `{name: infra.key-1}`, ""},
	{"secretRef", `{name: ns/infra}`, wantSecret},
	{"secretRef", `{name: ""}`, wantSecret},

	{"verify", `{secretRef: {name: keys}}`, ""},
	{"verify", `{mode: HEAD, secretRef: {name: keys}}`, ""},
	{"verify", `{mode: Tag, secretRef: {name: keys}}`, wantTagToVerify},
	{"verify", `{mode: TagAndHEAD, secretRef: {name: keys}}, ref: {branch: main}`, wantTagToVerify},
	{"verify", `{mode: Tag, secretRef: {name: keys}}, ref: {tag: v1}`, ""},
	{"verify", `{mode: TagAndHEAD, secretRef: {name: keys}}, ref: {semver: 1.x}`, ""},
	{"verify", `{mode: head, secretRef: {name: keys}}`, `spec.git.verify.mode: "head" is not one of "HEAD", "Tag", "TagAndHEAD"`},
	{"verify", `{}`, "spec.git.verify.secretRef: is required"},
	{"verify", `{secretRef: {}}`, "spec.git.verify.secretRef.name: is required"},
	{"verify", `{secretRef: {name: ns/keys}}`, "spec.git.verify.secretRef.name: must be the name of a Secret: lower-case letters, digits, '-' and '.'"},
	{"verify", `{keys: [a], secretRef: {name: keys}}`, `unknown field "spec.git.verify.keys"`},

	{"interval", `5s`, ""},
	{"interval", `1h30m`, ""},
	{"interval", `7500ms`, ""},
	{"interval", `1.5m`, ""},
	{"interval", `4999ms`, wantInterval},
	{"interval", `0s`, wantInterval},
	{"interval", `-1m`, wantInterval},
	{"interval", `1d`, wantInterval},
	{"interval", `soon`, wantInterval},
	{"interval", `"60"`, wantInterval},
	{"interval", `1`, "spec.interval: must be a duration with its unit, such as 1m: a bare number says nothing"},

	{"source", `{argoCD: {}}`, ""},
	{"source", `{argoCD: {namespace: gitops, selector: {matchLabels: {team: web}}, destinations: [production]}}`, ""},
	{"source", `{argoCD: {namespace: Argo CD}}`, wantArgoNS},
	{"source", `{argoCD: {destinations: []}}`, "spec.argoCD.destinations: must not be empty"},
	{"source", `{flux: {}}`, ""},
	{"source", `{flux: {namespace: gitops, selector: {matchLabels: {team: web}}}}`, ""},
	{"source", `{flux: {namespace: "*"}}`, "spec.flux.namespace: must be the name of a namespace: lower-case letters, digits and '-'"},
	{"source", `{}`, wantOneOrigin},
	{"source", `{flux: {}, argoCD: {}}`, wantOneOrigin},
	{"source", `{git: {url: "git@host:infra", paths: [{path: a}]}, flux: {}}`, wantOneOrigin},

	{"match", `{excludeNamespaces: []}`, ""},
	{"match", `{excludeNamespaces: ["kube-*"]}`, wantExcluded},
	{"match", `{namespaceSelector: {}}`, ""},
	{"match", `{namespaceSelector: {matchExpressions: [{key: a, operator: Exists}, {key: b, operator: NotIn, values: [c]}]}}`, ""},
	{"match", `{namespaceSelector: {matchExpressions: [{key: a, operator: in, values: [b]}]}}`, wantSelector},
	{"match", `{namespaceSelector: {matchExpressions: [{key: a, operator: In}]}}`, wantSelector},
	{"match", `{namespaceSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}`, wantSelector},
	{"match", `{resources: [{apiGroups: ["", apps, cert-manager.io], kinds: [Pod]}]}`, ""},
	{"match", `{resources: [{apiGroups: [apps/v1]}]}`, wantGroup},
	{"match", `{resources: [{apiGroups: ["*", apps]}]}`, wantAllGroups},
	{"match", `{resources: [{kinds: [deployments]}]}`, wantKind},
	{"match", `{resources: [{kinds: [Deployment, "*"]}]}`, wantAllKinds},
	{"match", `{resources: [{kinds: []}]}`, "spec.match.resources[0].kinds: must not be empty"},

	{"ignored", `spec.replicas`, ""},
	{"ignored", `/spec/replicas`, wantFieldPath},
	{"ignored", `.spec.replicas`, wantFieldPath},

	{"breakGlass", `{maxDuration: 0s, defaultDuration: 30m, keepRecords: 24h, contact: "#on-call"}`, ""},
	{"breakGlass", `{maxDuration: 1d}`, "spec.breakGlass.maxDuration: must be a duration, such as 30m, 4h or 1h30m"},
	{"breakGlass", `{defaultDuration: 0s}`, "spec.breakGlass.defaultDuration: must be a duration of 1s or more, such as 30m, 4h or 1h30m"},
	{"breakGlass", `{keepRecords: forever}`, "spec.breakGlass.keepRecords: must be a duration of 1h or more, such as 720h"},
	{"breakGlass", `{keepRecords: 0s}`, "spec.breakGlass.keepRecords: must be a duration of 1h or more, such as 720h"},
	{"breakGlass", `{maxDuration: 10m}`, ""}, // which is then the usual duration, too
	{"breakGlass", `{approvers: 1}`, ""},
	{"breakGlass", `{approvers: 6}`, "spec.breakGlass.approvers: should be less than or equal to 5"},
	{"breakGlass", `{reasonPattern: "["}`, "spec.breakGlass.reasonPattern: error parsing regexp: missing closing ]: `[` evaluating rule: must be a regular expression"},
	{"breakGlass", `{unrecorded: Maybe}`, `spec.breakGlass.unrecorded: "Maybe" is not one of "Allow", "Deny"`},
	{"breakGlass", `{reasonPattern: ""}`, "spec.breakGlass.reasonPattern: must not be empty"},

	{"subject", `{kind: User, name: flux}`, ""},
	{"subject", `{kind: User, name: flux, namespace: ""}`, ""},
	{"subject", `{kind: ServiceAccount, name: argocd, namespace: argocd}`, ""},
	{"subject", `{kind: ServiceAccount, name: argocd}`, wantNamespace},
	{"subject", `{kind: ServiceAccount, name: argocd, namespace: ""}`, wantNamespace},
	{"subject", `{kind: User, name: flux, namespace: flux-system}`, wantNoNamespace},
	{"subject", `{kind: Group, name: agents, namespace: flux-system}`, wantNoNamespace},
}

// withField is an object that is right, but for one field.
func withField(kind, field string) (label, text string) {
	url, ref, path, more := "git@host:infra", "{}", "{path: apps}", ""
	switch kind {
	case "url":
		url = field
	case "ref":
		ref = field
	case "path":
		path = field
	case "verify":
		return withSpec("GitSource", fmt.Sprintf("{git: {url: %s, paths: [%s], verify: %s}}", url, path, field))
	case "secretRef":
		more = ", secretRef: " + field
	case "interval":
		return withSpec("GitSource", fmt.Sprintf("{interval: %s, git: {url: %s, paths: [{path: apps}]}}", field, url))
	case "source":
		return withSpec("GitSource", field)
	case "match":
		return withSpec("GuardPolicy", fmt.Sprintf("{match: %s}", field))
	case "ignored":
		return withSpec("GuardPolicy", fmt.Sprintf("{ignoreFields: [{kinds: [Deployment], paths: [%s]}]}", field))
	case "breakGlass":
		return withSpec("GuardPolicy", fmt.Sprintf("{breakGlass: %s}", field))
	case "subject":
		return withSpec("GuardPolicy", fmt.Sprintf("{agents: {subjects: [%s]}}", field))
	}
	return withSpec("GitSource", fmt.Sprintf("{git: {url: %s, ref: %s, paths: [%s]%s}}", url, ref, path, more))
}

func withSpec(kind, spec string) (label, text string) {
	return kind + " x", fmt.Sprintf("apiVersion: gitonly.dev/v1alpha1\nkind: %s\nmetadata: {name: x}\nspec: %s\n", kind, spec)
}

func TestRules(t *testing.T) {
	for _, test := range ruleTests {
		t.Run(test.kind+" "+test.field, func(t *testing.T) {
			label, text := withField(test.kind, test.field)
			_, err := Load(files(map[string]string{"a.yaml": text}))
			got := ""
			if err != nil {
				got = strings.ReplaceAll(err.Error(), "a.yaml:1: "+label+": ", "")
				got = strings.ReplaceAll(got, "\n", "; ")
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestEveryRuleOfTheSchemaIsTested(t *testing.T) {
	byKind, err := definitions()
	if err != nil {
		t.Fatal(err)
	}
	var tested strings.Builder
	for _, test := range ruleTests {
		tested.WriteString(test.want + "\n")
	}
	for _, kind := range []string{v1alpha1.GitSourceKind, v1alpha1.GuardPolicyKind} {
		rules := 0
		visitor := structuralschema.Visitor{Structural: func(s *structuralschema.Structural) bool {
			for _, rule := range s.XValidations {
				rules++
				if strings.Contains(rule.Rule, "self.namespace") {
					t.Errorf("%s: servers before 1.30 know the field in %s only as __namespace__", kind, rule.Rule)
				}
				if rule.Message == "" {
					t.Errorf("%s: rule %s has no message", kind, rule.Rule)
				} else if !strings.Contains(tested.String(), rule.Message+"\n") {
					t.Errorf("%s: no test breaks the rule %q", kind, rule.Message)
				}
			}
			return false
		}}
		visitor.Visit(byKind[kind].structural.DeepCopy())
		if rules == 0 {
			t.Errorf("%s has no rules", kind)
		}
	}
}
