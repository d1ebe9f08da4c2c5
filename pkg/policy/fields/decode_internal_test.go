package fields

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	kjson "k8s.io/apimachinery/pkg/util/json"
)

// FuzzDecode: objects are read as the library reads them, alone and beside
// another one.
func FuzzDecode(f *testing.F) {
	for _, pair := range [][2]string{
		{`{"a":1,"b":[1,2.5,-3,1e3,"x",true,false,null],"c":{"d":"e\u00e9é","f":{}}}`, `{"a":12,"b":[1,2.5,-3],"c":{"d":"e","f":{}},"g":[]}`},
		{`{"metadata":{"name":"a","managedFields":[{"fieldsV1":{"f:a]\"":{}}}]},"spec":{"replicas":1}}`, `{"spec":{"replicas":12},"metadata":{"managedFields":[],"name":"a"}}`},
		{`{"a": 1, "a": 2}`, `{"b":{"a":1},"a":01}`},
		{`{"a":1} x`, `{"a":1,}`},
		{`{"l":[{"a":1},{"a":2}]}`, `{"l":[{"a":0},{"a":1},{"a":2}]}`},
		{`{"a":{"b":1},"c":0,"z":{"y":2}}`, `{"z":{"y":2},"d":0,"a":{"b":1},"c":0}`},
		{`{"a":{"b":null},"metadata":{"managedFields":null}}`, `{"metadata":{"managedFields":"text"},"a":{"b":null}}`},
		{`null`, `[]`},
		{`{"a":9223372036854775808,"b":-0,"c":1e400}`, ` {"a":"\ud800","b":"` + "\xff" + `"}`},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		var want [2]map[string]any
		var errs [2]error
		for i, text := range []string{first, second} {
			errs[i] = kjson.Unmarshal([]byte(text), &want[i])
			got, err := decode([]byte(text))
			if (err == nil) != (errs[i] == nil && want[i] != nil) {
				t.Fatalf("error %v, the library's is %v: %s", err, errs[i], text)
			}
			if diff := cmp.Diff(want[i], got); err == nil && diff != "" {
				t.Fatalf("(-library +own):\n%s\n%s", diff, text)
			}
		}
		if !json.Valid([]byte(first)) || !json.Valid([]byte(second)) {
			return // the API server sends none
		}
		before, after, err := decodeLive([]byte(first), []byte(second), true)
		if err != nil {
			return
		}
		for i, got := range []map[string]any{before, after} {
			spellOut(t, got)
			if diff := cmp.Diff(want[i], got); diff != "" {
				t.Errorf("beside the other (-library +own):\n%s\n%s\n%s", diff, first, second)
			}
		}
	})
}

// spellOut decodes the managedFields that were left as text.
func spellOut(t *testing.T, object map[string]any) {
	metadata, _ := object["metadata"].(map[string]any)
	if raw, ok := metadata["managedFields"].(unread); ok {
		var decoded any
		if err := kjson.Unmarshal([]byte(raw), &decoded); err != nil {
			t.Fatal(err)
		}
		metadata["managedFields"] = decoded
	}
}
