package gitindex_test

import (
	"errors"
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func TestAnObjectIsDecodedAsUnstructuredOnesAre(t *testing.T) {
	d := gitindex.Declared{Manifest: gitindex.NewManifest([]byte(`{"replicas":1,"big":9007199254740993,"share":0.5}`))}
	object, err := d.Object()
	if err != nil {
		t.Fatal(err)
	}
	if object["replicas"] != int64(1) || object["big"] != int64(9007199254740993) || object["share"] != 0.5 {
		t.Errorf("decoded %#v", object)
	}
	object["replicas"] = int64(2)
	if again, err := d.Object(); err != nil || again["replicas"] != int64(1) {
		t.Errorf("the declared object was changed: %v, %v", again, err)
	}
}

func TestAnObjectThatCannotBeDecodedIsNamed(t *testing.T) {
	d := gitindex.Declared{
		Key:      gitindex.Key{Kind: "Deployment", Namespace: "staging", Name: "web"},
		Origin:   gitindex.Origin{Source: "infra"},
		Manifest: gitindex.NewManifest([]byte(`{`)),
	}
	_, err := d.Object()
	if want := "decoding declared Deployment staging/web of source infra: unexpected end of JSON input"; err == nil || err.Error() != want {
		t.Errorf("error is %v", err)
	}
}

func TestNamesAreThosePeopleUse(t *testing.T) {
	for want, got := range map[string]string{
		"Deployment staging/web":  gitindex.Key{Group: "apps", Kind: "Deployment", Namespace: "staging", Name: "web"}.String(),
		"ClusterRole viewer":      gitindex.Key{Kind: "ClusterRole", Name: "viewer"}.String(),
		"main@4f2c1ab":            gitindex.Revision{Commit: "4f2c1ab0f3", Name: "main"}.Short(),
		"4f2c1ab":                 gitindex.Revision{Commit: "4f2c1ab0f3"}.Short(),
		"":                        gitindex.Revision{}.Short(),
		"HEAD":                    gitindex.Ref{}.String(),
		"main":                    gitindex.Ref{Branch: "main"}.String(),
		"v1":                      gitindex.Ref{Tag: "v1"}.String(),
		">=1.0.0":                 gitindex.Ref{SemVer: ">=1.0.0"}.String(),
		"apps/web.yaml:2: broken": (&gitindex.RenderError{File: "apps/web.yaml", Line: 2, Err: errors.New("broken")}).Error(),
		"apps/web.yaml: broken":   (&gitindex.RenderError{File: "apps/web.yaml", Err: errors.New("broken")}).Error(),
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
