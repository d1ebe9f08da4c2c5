package sops_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/gitindex/render/internal/sops"
)

// The files of testdata were encrypted, and decrypted again, by SOPS 3.13.3.

func file(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func keys(t *testing.T) sops.Keys {
	t.Helper()
	keys, err := sops.ParseKeys(map[string]string{"test.agekey": string(file(t, "test.agekey")), "sops.vault-token": "x"})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func otherKeys(t *testing.T) sops.Keys {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := sops.ParseKeys(map[string]string{"other.agekey": identity.String()})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestADecryptedFileIsWhatSOPSMakesOfIt(t *testing.T) {
	for _, name := range []string{"yaml", "json", "env", "bin", "partly.yaml"} {
		t.Run(name, func(t *testing.T) {
			encrypted := file(t, "encrypted."+name)
			format := sops.FormatOf("encrypted." + name)
			if !sops.Marked(encrypted, format) {
				t.Errorf("a file of format %s doesn't look encrypted", format)
			}
			got, err := keys(t).File(encrypted, format, format)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(file(t, "decrypted."+name)), string(got)); diff != "" {
				t.Errorf("differs from SOPS's (-SOPS +ours):\n%s", diff)
			}
		})
	}
}

func TestAFileForAnOpenPGPKeyIsDecrypted(t *testing.T) {
	keys, err := sops.ParseKeys(map[string]string{"test.asc": string(file(t, "test.asc"))})
	if err != nil {
		t.Fatal(err)
	}
	got, err := keys.File(file(t, "encrypted.pgp.env"), sops.Dotenv, sops.Dotenv)
	if want := "TOKEN=hunter2-of-openpgp\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestAnObjectIsDecryptedByItsFields(t *testing.T) {
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(file(t, "object.json")))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil {
		t.Fatal(err)
	}
	object["metadata"] = map[string]any{"name": "main", "labels": map[string]any{"added": "later"}}
	got, err := keys(t).Object(object)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"apiVersion": "example.com/v1", "kind": "Database",
		"metadata": map[string]any{"name": "main", "labels": map[string]any{"added": "later"}},
		"spec": map[string]any{
			"size":        json.Number("3"),
			"credentials": map[string]any{"user": "admin", "password": "hunter2-of-the-db", "port": json.Number("5432"), "tls": true},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeDecryptedSaysWhy(t *testing.T) {
	replaced := func(name, old, new string) []byte {
		data := file(t, name)
		if !bytes.Contains(data, []byte(old)) {
			t.Fatalf("%s has no %q", name, old)
		}
		return bytes.ReplaceAll(data, []byte(old), []byte(new))
	}
	for _, test := range []struct {
		name    string
		keys    sops.Keys
		data    []byte
		in, out sops.Format
		want    string
	}{
		{"another key", otherKeys(t), file(t, "encrypted.env"), sops.Dotenv, sops.Dotenv, "none of the keys at hand decrypts it"},
		{"no key", sops.Keys{}, file(t, "encrypted.yaml"), sops.YAML, sops.YAML, "none of the keys at hand decrypts it"},
		{"a key service", keys(t), replaced("encrypted.partly.yaml", "    age:\n", "    gcp_kms:\n"), sops.YAML, sops.YAML,
			"it is encrypted for a key service (gcp_kms), which gitonly doesn't ask"},
		{"several key groups", keys(t), []byte(`{"a": "x", "sops": {"mac": "ENC[x]", "key_groups": [{"age": [{"enc": "x"}]}, {"pgp": [{"enc": "x"}]}]}}`), sops.JSON, sops.JSON,
			"its key is split among several key groups, which gitonly can't join"},
		{"a value at another field", keys(t), replaced("encrypted.partly.yaml", "password:", "secret:"), sops.YAML, sops.YAML,
			"a value in it can't be decrypted: it was changed, or moved to another field"},
		{"a value in clear", keys(t), replaced("encrypted.partly.yaml", "credentials:\n", "credentials:\n        clear: hunter3\n"), sops.YAML, sops.YAML,
			"a value in it that SOPS should have encrypted isn't encrypted (not shown)"},
		{"comments that say what is encrypted", keys(t), replaced("encrypted.partly.yaml", "encrypted_regex:", "encrypted_comment_regex:"), sops.YAML, sops.YAML,
			"comments in it say what is encrypted, which gitonly doesn't follow"},
		{"INI", keys(t), file(t, "encrypted.ini"), sops.INI, sops.INI, "it is an INI file, which gitonly doesn't decrypt"},
		{"a file of values as one value", keys(t), file(t, "encrypted.yaml"), sops.YAML, sops.Binary, "what it holds can't be written in the format that its name asks for"},
		{"nested values as variables", keys(t), file(t, "encrypted.json"), sops.JSON, sops.Dotenv, "it can't be read in the format that it is encrypted in"},
		{"too large", keys(t), bytes.Repeat([]byte("#"), 6<<20), sops.YAML, sops.YAML, "it is larger than 5 MiB, which Flux doesn't decrypt"},
		{"too deep", keys(t), []byte(strings.Repeat("[", 1<<20)), sops.JSON, sops.JSON, "it can't be read in the format that it is encrypted in"},
		{"an alias of itself", keys(t), []byte("a: &a [*a]\nsops: {mac: x}\n"), sops.YAML, sops.YAML, "it can't be read in the format that it is encrypted in"},
		{"nothing of SOPS", keys(t), []byte("a: b\n"), sops.YAML, sops.YAML, "what SOPS says of it in itself can't be read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.keys.File(test.data, test.in, test.out)
			if err == nil {
				t.Fatalf("no error, but %d bytes", len(got))
			}
			if err.Error() != test.want {
				t.Errorf("got %q, want %q", err, test.want)
			}
		})
	}
}

func TestAKeyThatCannotBeReadIsNamedAndNotShown(t *testing.T) {
	_, err := sops.ParseKeys(map[string]string{"a.agekey": "AGE-SECRET-KEY-1BROKEN", "b.asc": "broken"})
	want := "a.agekey holds no age identity\nb.asc holds no armored OpenPGP key"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}
