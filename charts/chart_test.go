package charts_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/charts"
)

type values = map[string]any

const authority = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

func render(t *testing.T, set values, r charts.Release) string {
	t.Helper()
	files, err := charts.Render("gitonly", set, r)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for name, text := range files {
		if !strings.HasSuffix(name, "NOTES.txt") {
			for _, document := range strings.Split(text, "\n---\n") {
				var object map[string]any
				if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
					t.Errorf("%s: %v\n%s", name, err, document)
				}
			}
		}
		all.WriteString(text)
	}
	return all.String()
}

func TestValuesDecideWhatIsInstalled(t *testing.T) {
	const argo, flux = "  argoCD: {namespace: argocd}", "  flux: {namespace: flux-system}"
	argoKinds, fluxKinds := "argoproj.io/v1alpha1/Application", "kustomize.toolkit.fluxcd.io/v1/Kustomization"
	for _, test := range []struct {
		name       string
		set        values
		release    charts.Release
		want, lack []string
	}{
		{name: "it starts in Audit mode, lets through what it can't answer, and takes certificates from cert-manager",
			want: []string{"  mode: \"Audit\"", "  failurePolicy: Ignore ", "kind: Certificate", "cert-manager.io/inject-ca-from: gitonly-system/gitonly-tls", "\"kube-system\",\"gitonly-system\""},
			lack: []string{argo, flux, "--cert-secret", "ServiceMonitor", "verbs: [get, patch]"}},
		{name: "the agents that the cluster has are found",
			release: charts.Release{APIVersions: []string{argoKinds, fluxKinds}},
			want:    []string{argo, flux, "  name: gitonly-agent\n  namespace: argocd", "  name: gitonly-agent\n  namespace: flux-system"}},
		{name: "one agent is found without the other",
			release: charts.Release{APIVersions: []string{fluxKinds}}, want: []string{flux}, lack: []string{argo}},
		{name: "an agent is where values say", set: values{"argoCD": values{"enabled": true, "namespace": "cd"}},
			want: []string{"  argoCD: {namespace: cd}", "  name: gitonly-agent\n  namespace: cd"}},
		{name: "an agent is left out where values say so", set: values{"flux": values{"enabled": false}},
			release: charts.Release{APIVersions: []string{fluxKinds}}, lack: []string{flux}},
		{name: "the certificate may be gitonly's own", set: values{"certificates": values{"provider": "SelfManaged"}},
			want: []string{"--cert-secret=gitonly-tls", "resourceNames: [gitonly-tls]", "verbs: [get, patch]"},
			lack: []string{"cert-manager", "/var/run/gitonly/tls"}},
		{name: "the certificate may be there already", set: certificates("Existing", "mine", authority),
			want: []string{"secretName: mine", "caBundle: " + base64.StdEncoding.EncodeToString([]byte(authority))}, lack: []string{"cert-manager", "--cert-secret"}},
		{name: "the certificate may be signed by another issuer", set: values{"certificates": values{"certManager": values{"issuerRef": values{"kind": "ClusterIssuer", "name": "ours"}}}},
			want: []string{"kind: ClusterIssuer\n    name: ours"}, lack: []string{"selfSigned", "isCA"}},
		{name: "a mode without quotes is what YAML makes of it", set: values{"mode": false}, want: []string{"  mode: \"Off\""}},
		{name: "names follow the release", release: charts.Release{Name: "guard", Namespace: "guards"},
			want: []string{"name: guard-gitonly\n", "inject-ca-from: guards/guard-gitonly-tls", "--webhook-configuration=guard-gitonly"}, lack: []string{"gitonly-system"}},
		{name: "an image is named by registry and digest", set: values{"image": values{"registry": "images.example.com/org", "digest": "sha256:" + strings.Repeat("a", 64)}},
			want: []string{"image: images.example.com/org/gitonly@sha256:aaa"}},
		{name: "users may be skipped", set: values{"webhook": values{"skipUsers": []any{"system:serviceaccount:flux-system:kustomize-controller"}}},
			want: []string{`!(request.userInfo.username in ["system:serviceaccount:flux-system:kustomize-controller"])`}},
		{name: "one webhook alone holds up no drain", set: values{"replicas": 1}, lack: []string{"PodDisruptionBudget"}},
		{name: "pushes are let in", set: values{"push": values{"secretName": "push"}},
			want: []string{"--push-bind-address=:9444\n        - --push-secret=push", "port: push}"}},
		{name: "metrics are read by the Prometheus operator", set: values{"metrics": values{"serviceMonitor": values{"enabled": true, "labels": values{"release": "prometheus"}}}},
			want: []string{"kind: ServiceMonitor", "release: prometheus"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := render(t, test.set, test.release)
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q isn't in\n%s", want, got)
				}
			}
			for _, lack := range test.lack {
				if strings.Contains(got, lack) {
					t.Errorf("%q is in\n%s", lack, got)
				}
			}
		})
	}
}

func TestWhatOnlyGitMayChangeHasNoCommonLabels(t *testing.T) {
	set := values{"commonLabels": values{"team": "platform"}, "argoCD": values{"enabled": true}}
	files, err := charts.Render("gitonly", set, charts.Release{})
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]bool{"templates/service.yaml": true, "templates/configuration.yaml": false} {
		if got := strings.Contains(files[file], "team: platform"); got != want {
			t.Errorf("%s has the label: %t\n%s", file, got, files[file])
		}
	}
}

func certificates(provider, secret, caBundle string) values {
	return values{"certificates": values{"provider": provider, "existing": values{"secretName": secret, "caBundle": caBundle}}}
}

func TestAWrongValueIsNamed(t *testing.T) {
	for _, test := range []struct {
		name string
		set  values
		want string
	}{
		{"a value that there isn't", values{"replica": 3}, "additional properties 'replica' not allowed"},
		{"a mode that there isn't", values{"mode": "Warn"}, "at '/mode': value must be one of 'Audit', 'Enforce', 'Off', false"},
		{"a section with nothing below it", values{"webhook": nil}, "at '': missing property 'webhook'"},
		{"a section within one with nothing below it", values{"metrics": values{"serviceMonitor": nil}}, "at '/metrics': missing property 'serviceMonitor'"},
		{"a number as text", values{"replicas": "2"}, "at '/replicas': got string, want integer"},
		{"a timeout that the API server refuses", values{"webhook": values{"timeoutSeconds": 60}}, "at '/webhook/timeoutSeconds': maximum: got 60, want 30"},
		{"no Secret", certificates("Existing", "", authority), "at '/certificates/existing/secretName': minLength: got 0, want 1"},
		{"no authority", certificates("Existing", "mine", ""), "at '/certificates/existing/caBundle': minLength: got 0, want 1"},
		{"an authority that is no PEM", certificates("Existing", "mine", "UEVN"), "at '/certificates/existing/caBundle': 'UEVN' does not match pattern '^$|-----BEGIN CERTIFICATE-----"},
		{"a Secret of another provider", certificates("SelfManaged", "mine", ""), "at '/certificates/provider': value must be 'Existing'"},
		{"an authority of another provider", certificates("SelfManaged", "", authority), "at '/certificates/provider': value must be 'Existing'"},
		{"an issuer without a name", values{"certificates": values{"certManager": values{"issuerRef": values{"kind": "ClusterIssuer"}}}},
			"at '/certificates/certManager/issuerRef': properties 'name' required, if 'kind' exists"},
		{"a service account without a name", values{"serviceAccount": values{"create": false}}, "at '/serviceAccount/name': minLength: got 0, want 1"},
		{"a size that is no quantity", values{"cache": values{"sizeLimit": "2 GB"}}, "at '/cache/sizeLimit': '2 GB' does not match pattern"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := charts.Render("gitonly", test.set, charts.Release{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestTheSchemaHasEachValueAndNoOther(t *testing.T) {
	var defaults, schema map[string]any
	for file, into := range map[string]any{"gitonly/values.yaml": &defaults, "gitonly/values.schema.json": &schema} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".json") {
			err = json.Unmarshal(text, into)
		} else {
			err = yaml.UnmarshalStrict(text, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	delete(schema["properties"].(map[string]any), "global") // every chart may be given it
	agree(t, "", defaults, schema)
}

// agree compares maps of values with the objects of the schema that list theirs.
func agree(t *testing.T, at string, given, schema map[string]any) {
	properties, listed := schema["properties"].(map[string]any)
	if !listed || len(given) == 0 || at == ".resources" {
		return
	}
	if schema["additionalProperties"] != false {
		t.Errorf("values%s: the schema takes others", at)
	}
	for name := range properties {
		if _, ok := given[name]; !ok {
			t.Errorf("values%s.%s is in the schema alone", at, name)
		}
	}
	for name, value := range given {
		of, ok := properties[name].(map[string]any)
		if !ok {
			t.Errorf("values%s.%s isn't in the schema", at, name)
			continue
		}
		if inner, ok := value.(map[string]any); ok {
			agree(t, at+"."+name, inner, of)
		}
	}
}
