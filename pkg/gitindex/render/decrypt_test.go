package render_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex"
)

const sopsData = "internal/sops/testdata"

// sopsFile is a file that SOPS encrypted, or made of one.
func sopsFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(sopsData, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// fluxLocation is a Kustomization's that decrypts with what is given.
func fluxLocation(with *gitindex.Decryption) gitindex.Location {
	return gitindex.Location{Path: "apps", Render: gitindex.Kustomize, Build: gitindex.Build{
		Flux: true, Kustomize: &gitindex.KustomizeBuild{}, Decryption: with,
	}}
}

func withKey(t *testing.T) gitindex.Location {
	return fluxLocation(&gitindex.Decryption{Keys: map[string]string{"test.agekey": sopsFile(t, "test.agekey")}})
}

func withoutKey() gitindex.Location {
	return fluxLocation(&gitindex.Decryption{Why: "Secret sops-age can't be read"})
}

// sopsTree has a Secret that is generated of encrypted files, references to its
// name, and a partly encrypted object.
func sopsTree(t *testing.T) fstest.MapFS {
	t.Helper()
	files := tree(`
-- apps/kustomization.yaml --
resources: [deployment.yaml, database.yaml]
secretGenerator:
- {name: settings, envs: [settings.env], files: [config.json, cert.pem=cert.bin], literals: [plain=text]}
- {name: fixed, files: [token.bin], options: {disableNameSuffixHash: true}}
- {name: open, literals: [a=b]}
configMapGenerator:
- {name: shared, files: [config.json]}
-- apps/deployment.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx
        envFrom: [{secretRef: {name: settings}}, {secretRef: {name: open}}]
`)
	for name, of := range map[string]string{
		"settings.env": "encrypted.env", "config.json": "encrypted.json", "cert.bin": "encrypted.bin",
		"token.bin": "encrypted.bin", "database.yaml": "encrypted.partly.yaml",
	} {
		files["apps/"+name] = &fstest.MapFile{Data: []byte(sopsFile(t, of)), Mode: 0o644}
	}
	return files
}

// decrypted is the same tree as Flux builds it, once it has decrypted it.
func decryptedTree(t *testing.T) fstest.MapFS {
	t.Helper()
	files := sopsTree(t)
	for name, of := range map[string]string{
		"settings.env": "decrypted.env", "config.json": "decrypted.json", "cert.bin": "decrypted.bin",
		"token.bin": "decrypted.bin", "database.yaml": "decrypted.partly.yaml",
	} {
		files["apps/"+name] = &fstest.MapFile{Data: []byte(sopsFile(t, of)), Mode: 0o644}
	}
	return files
}

func TestWithAKeyObjectsAreWhatTheDecryptedFilesMake(t *testing.T) {
	got, err := renderTree(sopsTree(t), withKey(t))
	if err != nil {
		t.Fatal(err)
	}
	want, err := renderTree(decryptedTree(t), fluxLocation(nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(texts(want), texts(got)); diff != "" {
		t.Errorf("(-decrypted before +ours):\n%s", diff)
	}
	secrets := []string{"hunter2-of-the-db", "hunter2-of-the-env", base64.StdEncoding.EncodeToString([]byte("hunter2-of-the-env")),
		base64.StdEncoding.EncodeToString([]byte(sopsFile(t, "decrypted.bin"))), "12345678901", "admin"}
	for i := range got {
		if got[i].Undecrypted != "" || got[i].Generated != "" {
			t.Errorf("%s: undecrypted %q, generated %q", got[i].Key, got[i].Undecrypted, got[i].Generated)
		}
		for _, secret := range secrets {
			if strings.Contains(string(got[i].Presentable()), secret) {
				t.Errorf("%s can be kept with %q in it:\n%s", got[i].Key, secret, got[i].Presentable())
			}
		}
	}
	for name, hidden := range map[string][]string{
		"web": nil, "main": {"spec.credentials.password", "spec.credentials.port", "spec.credentials.tls", "spec.credentials.user"},
		"fixed": {"data[token.bin]"}, "shared-": {"data[config.json]"}, "open-": nil,
	} {
		d := named(t, got, name)
		if diff := cmp.Diff(hidden, d.Hidden); diff != "" {
			t.Errorf("%s: hidden fields (-want +got):\n%s", d.Key, diff)
		}
	}
}

func texts(all []gitindex.Declared) []string {
	var objects []string
	for i := range all {
		objects = append(objects, string(all[i].Manifest.JSON()))
	}
	return objects
}

// named finds an object by what its name begins with.
func named(t *testing.T, all []gitindex.Declared, name string) gitindex.Declared {
	t.Helper()
	i := slices.IndexFunc(all, func(d gitindex.Declared) bool { return strings.HasPrefix(d.Key.Name, name) })
	if i < 0 {
		t.Fatalf("there is no %s", name)
	}
	return all[i]
}

func TestWithoutAKeyWhatComesOfEncryptedFilesIsOpaque(t *testing.T) {
	got, err := renderTree(sopsTree(t), withoutKey())
	if err != nil {
		t.Fatal(err)
	}
	settings := named(t, got, "settings-")
	for _, test := range []struct{ name, json, generated, why string }{
		{"fixed", `{"apiVersion":"v1","data":{"token.bin":"ENC[]"},"kind":"Secret","metadata":{"name":"fixed","namespace":"default"},"sops":{},"type":"Opaque"}`,
			"", "apps/config.json: Secret sops-age can't be read"},
		{"settings-", `{"apiVersion":"v1","data":{"EMPTY":"","MULTI":"ENC[]","PASSWORD":"ENC[]","SPACED":"ENC[]","URL":"ENC[]","USER":"ENC[]","cert.pem":"ENC[]","config.json":"ENC[]","plain":"dGV4dA=="},` +
			`"kind":"Secret","metadata":{"name":"` + settings.Key.Name + `","namespace":"default"},"sops":{},"type":"Opaque"}`,
			"settings", "apps/config.json: Secret sops-age can't be read"},
		{"shared-", `{"apiVersion":"v1","data":{"config.json":"ENC[]"},"kind":"ConfigMap","metadata":{"name":"` + named(t, got, "shared-").Key.Name + `","namespace":"default"},"sops":{}}`,
			"shared", "apps/config.json: Secret sops-age can't be read"},
		{"main", "", "", "apps/database.yaml:1: Secret sops-age can't be read"},
		{"open-", "", "", ""},
		{"web", "", "", ""},
	} {
		d := named(t, got, test.name)
		if test.json != "" && string(d.Manifest.JSON()) != test.json {
			t.Errorf("%s is\n%s\nnot\n%s", d.Key, d.Manifest.JSON(), test.json)
		}
		if d.Generated != test.generated || d.Undecrypted != test.why || d.Sealed != nil {
			t.Errorf("%s: generated %q, undecrypted %q, sealed %s", d.Key, d.Generated, d.Undecrypted, d.Sealed)
		}
	}
	if web := named(t, got, "web"); !strings.Contains(string(web.Manifest.JSON()), `{"name":"`+settings.Key.Name+`"}`) {
		t.Errorf("no reference to %s:\n%s", settings.Key.Name, web.Manifest.JSON())
	}
}

func TestWhereNothingIsDecryptedFilesAreAsTheyAre(t *testing.T) {
	got, err := renderTree(sopsTree(t), fluxLocation(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := base64.StdEncoding.EncodeToString([]byte(sopsFile(t, "encrypted.bin")))
	if fixed := named(t, got, "fixed"); !strings.Contains(strings.ReplaceAll(string(fixed.Manifest.JSON()), `\n`, ""), want) || fixed.Undecrypted != "" || fixed.Generated != "" {
		t.Errorf("it isn't as in Git: %s", fixed.Manifest.JSON())
	}
}

func TestTheDataOfASecretIsDecryptedOneByOne(t *testing.T) {
	secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: mixed%s}\ndata:\n  cert.pem: " +
		base64.StdEncoding.EncodeToString([]byte(sopsFile(t, "encrypted.bin"))) + "\n  other: b3RoZXI=\n"
	files := fstest.MapFS{"apps/secret.yaml": &fstest.MapFile{Mode: 0o644, Data: []byte(
		strings.Replace(secret, "%s", "", 1) + "---\n" +
			strings.Replace(secret, "%s", ", annotations: {kustomize.toolkit.fluxcd.io/decrypt: Disabled}, namespace: left", 1))}}
	plain := base64.StdEncoding.EncodeToString([]byte(sopsFile(t, "decrypted.bin")))
	for _, test := range []struct {
		name           string
		at             gitindex.Location
		value          string
		opaque, sealed bool
	}{
		{"with the key", withKey(t), plain, false, true},
		{"without", withoutKey(), "ENC[]", true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := renderTree(files, test.at)
			if err != nil {
				t.Fatal(err)
			}
			if d := got[0]; !strings.Contains(string(d.Manifest.JSON()), `"cert.pem":"`+test.value+`","other":"b3RoZXI="`) || (d.Undecrypted != "") != test.opaque || (d.Sealed != nil) != test.sealed {
				t.Errorf("undecrypted %q, sealed %s:\n%s", d.Undecrypted, d.Sealed, d.Manifest.JSON())
			}
			if d := got[1]; d.Key.Namespace != "left" || strings.Contains(string(d.Manifest.JSON()), "ENC[]") || strings.Contains(string(d.Manifest.JSON()), plain) {
				t.Errorf("an object that asks to be left alone isn't:\n%s", d.Manifest.JSON())
			}
		})
	}
}

func TestAnEncryptedPatchIsAppliedDecrypted(t *testing.T) {
	files := tree(`
-- apps/kustomization.yaml --
resources: [database.yaml]
patches: [{path: patch.yaml}]
-- apps/database.yaml --
apiVersion: example.com/v1
kind: Database
metadata: {name: main}
spec: {replicas: 1}
`)
	files["apps/patch.yaml"] = &fstest.MapFile{Data: []byte(sopsFile(t, "encrypted.partly.yaml")), Mode: 0o644}
	want := `{"apiVersion":"example.com/v1","kind":"Database","metadata":{"name":"main"},"spec":{"credentials":{"password":"hunter2-of-the-db","port":5432,"tls":true,"user":"admin"},"replicas":1,"size":3}}`
	got, err := renderTree(files, withKey(t))
	if err != nil || string(got[0].Manifest.JSON()) != want {
		t.Errorf("got %s, %v", texts(got), err)
	}
	if strings.Contains(string(got[0].Presentable()), "hunter2") {
		t.Errorf("it can be kept in clear: %s", got[0].Presentable())
	}
	got, err = renderTree(files, withoutKey())
	if err != nil || !strings.Contains(string(got[0].Manifest.JSON()), `"credentials":{"password":"ENC[]","port":"ENC[]","tls":"ENC[]","user":"ENC[]"},"replicas":1,"size":3`) ||
		got[0].Undecrypted != "apps/patch.yaml: Secret sops-age can't be read" {
		t.Errorf("got %v, %s, %s", err, got[0].Manifest.JSON(), got[0].Undecrypted)
	}
}

func TestNoErrorShowsWhatWasDecrypted(t *testing.T) {
	files := sopsTree(t)
	files["apps/kustomization.yaml"] = &fstest.MapFile{Mode: 0o644, Data: []byte("resources: [deployment.yaml]\nsecretGenerator: [{name: s, envs: [config.json]}]\n")}
	// The error is that of the encrypted file, which is no file of variables either.
	want := "apps/kustomization.yaml:2: the generator of s makes the key { twice"
	if got := mustFail(t, files, withKey(t)); got != want {
		t.Errorf("got %s, not %s", got, want)
	}
}
