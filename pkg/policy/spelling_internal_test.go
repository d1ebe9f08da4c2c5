package policy

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

const controller = `{"metadata":{"name":"helm-controller","labels":{"app.kubernetes.io/part-of":"flux"}},"spec":{"template":{"spec":{"serviceAccountName":"mine"}}}}`

func TestATextIsFoundHoweverItIsSpelt(t *testing.T) {
	for _, test := range []struct {
		name, spelt string
		has, names  bool
	}{
		{"as it is", `app.kubernetes.io/part-of`, true, true},
		{"with a letter's number", `\u0061pp.kubernetes.io/part-of`, true, true},
		{"with a capital number", `app.kubernetes.io/part-o\u0066`, true, true},
		{"with an escaped slash", `app.kubernetes.io\/part-of`, true, true},
		{"in another case", `APP.Kubernetes.IO/part-OF`, false, true},
		{"in another case of s", "app.kubernete\u017f.io/part-of", false, true},
		{"in another case of k", "app.\u212aubernetes.io/part-of", false, true},
		{"with other letters", `app.kubernetes.io/part-on`, false, false},
		{"with less", `kubernetes.io/part-of`, false, false},
		{"beside other escapes", `a\\\"\n\t\r\b\fb`, false, false},
		{"beside what only looks like a number", `a\\u0061`, false, false},
		{"beside letters that aren't English", `größe`, false, false},
	} {
		object := []byte(strings.Replace(controller, "app.kubernetes.io/part-of", test.spelt, 1))
		if !json.Valid(object) {
			t.Fatalf("%s: no JSON: %s", test.name, object)
		}
		if has, names := mayHave(object, partOf), mayName(object, partOf); has != test.has || names != test.names {
			t.Errorf("%s: may be had: %t, named: %t", test.name, has, names)
		}
		if _, ok := readAppointment(object); ok && !mayName(object, partOf) {
			t.Errorf("%s: it is not found and read", test.name)
		}
	}
}

// FuzzSpelling: what isn't read is what reading would find nothing in.
func FuzzSpelling(f *testing.F) {
	for _, spelt := range []string{
		`app.kubernetes.io/part-of`, `\u0061pp.kubernetes.io/part-of`, `app.kubernetes.io\/part-of`, `APP.KUBERNETES.IO/PART-OF`,
		"app.\u212aubernete\u017f.io/part-of", `a\\u0061pp.kubernetes.io/part-of`, `a\"pp.kubernetes.io/part-of`,
	} {
		f.Add(strings.Replace(controller, "app.kubernetes.io/part-of", spelt, 1))
	}
	for _, spelt := range []string{"gitonly.dev/break-glass", `gitonly.dev/bre\u0061k-glass`, `gitonly.dev\/break-glass-until`, `Gitonly.dev/break-glass`, `\\gitonly.dev/break-glas`} {
		f.Add(`{"metadata":{"annotations":{"` + spelt + `":"INC-1","a":"b"}}}`)
	}
	f.Fuzz(func(t *testing.T, object string) {
		got, ok := appointmentOf([]byte(object))
		if want, found := readAppointment([]byte(object)); ok != found || ok && got != want {
			t.Errorf("appoints %v, %t; when it is read %v, %t: %s", got, ok, want, found, object)
		}
		about := func(annotations map[string]string) map[string]string {
			kept := map[string]string{}
			for name, value := range annotations {
				if strings.HasPrefix(name, v1alpha1.BreakGlassAnnotation) {
					kept[name] = value
				}
			}
			return kept
		}
		if diff := cmp.Diff(about(readAnnotations([]byte(object))), about(annotationsIn([]byte(object)))); diff != "" {
			t.Errorf("annotations (-read +got):\n%s\n%s", diff, object)
		}
	})
}
