package admission

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	kjson "sigs.k8s.io/json"
)

func TestEnvelopes(t *testing.T) {
	for _, test := range []struct{ name, review, want, err string }{
		{"objects are left out", `{"kind":"AdmissionReview","request":{"uid":"1","object":{"a":["}",{"b":"\"}"}]},"oldObject":"x","name":"web"}}`,
			`{"kind":"AdmissionReview","request":{"uid":"1","object":null,"oldObject":null,"name":"web"}}`, ""},
		{"elsewhere they are no objects", `{"object":1,"request":{"options":{"object":2}}}`, `{"object":1,"request":{"options":{"object":2}}}`, ""},
		{"spaces are no matter", "{ \"request\" : {\n\"object\" : null , \"uid\" : \"1\" } }", `{"request":{"object":null,"uid":"1"}}`, ""},
		{"it ends too soon", `{"request":{"object":{"a":"b`, "", "reading the AdmissionReview: unexpected EOF"},
		{"it is nested deeply", strings.Repeat("[", 40), "", "reading the AdmissionReview: it is nested too deeply"},
		{"what is left is large", `{"request":{"name":"` + strings.Repeat("x", 1<<20) + `"}}`, "", "reading the AdmissionReview: it has more than 1048576 bytes beside its objects"},
		{"an object that is nested deeply is no matter", `{"request":{"object":` + strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20) + `,"uid":"1"}}`, `{"request":{"object":null,"uid":"1"}}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := readEnvelope(strings.NewReader(test.review))
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Errorf("error: %v\nwant %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var want admissionv1.AdmissionReview
			if err := json.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzEnvelope: an envelope says what the whole review says.
func FuzzEnvelope(f *testing.F) {
	f.Add([]byte(`{"kind":"AdmissionReview","request":{"uid":"1","object":{"a":[1,2.5e3,true,"\\\""]},"userInfo":{"extra":{"a":["b"]}},"dryRun":false}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var want admissionv1.AdmissionReview
		if kjson.UnmarshalCaseSensitivePreserveInts(body, &want) != nil || bytes.Contains(body, []byte("bject\":")) && bytes.Count(body, []byte("request")) != 1 {
			return
		}
		got, err := readEnvelope(bytes.NewReader(body))
		if err != nil {
			return // it is undecidable then
		}
		if want.Request != nil {
			want.Request.Object.Raw, want.Request.OldObject.Raw = nil, nil
			got.Request.Object.Raw, got.Request.OldObject.Raw = nil, nil
		}
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
