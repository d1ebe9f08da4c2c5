package config

import (
	"reflect"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
)

func TestASourceIsConverted(t *testing.T) {
	hash := strings.Repeat("4F2C", 10)
	in := v1alpha1.GitSource{
		ObjectMeta: metav1.ObjectMeta{Name: "infra"},
		Spec: v1alpha1.GitSourceSpec{
			Git: &v1alpha1.Git{
				URL:       "git@host:infra",
				Ref:       v1alpha1.Ref{Commit: hash},
				SecretRef: &v1alpha1.SecretReference{Name: "key"},
				Paths: []v1alpha1.Path{
					{Path: "./apps//staging/", Namespace: "staging", Render: v1alpha1.FormatPlain},
					{Path: "."},
				},
			},
			Interval: metav1.Duration{Duration: 30 * time.Second},
		},
	}
	before := in.DeepCopy()
	got, _ := Source(in)
	want := gitindex.Source{
		Name:       "infra",
		Repository: gitindex.Repository{URL: "git@host:infra", Ref: gitindex.Ref{Commit: strings.ToLower(hash)}, Secret: gitindex.SecretRef{Name: "key"}},
		Locations: []gitindex.Location{
			{Path: "apps/staging", Namespace: "staging", Render: gitindex.Plain},
			{Path: ".", Render: gitindex.Auto},
		},
		Interval: 30 * time.Second,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if !reflect.DeepEqual(&in, before) {
		t.Errorf("the GitSource was changed to %+v", in)
	}
}

func TestEachRefIsConverted(t *testing.T) {
	for in, want := range map[v1alpha1.Ref]gitindex.Ref{
		{}:                     {},
		{Branch: "main"}:       {Branch: "main"},
		{Tag: "v1.2.0"}:        {Tag: "v1.2.0"},
		{SemVer: ">=1.2 <2.0"}: {SemVer: ">=1.2 <2.0"},
	} {
		got, _ := Source(v1alpha1.GitSource{Spec: v1alpha1.GitSourceSpec{Git: &v1alpha1.Git{Ref: in}}})
		if got.Repository.Ref != want {
			t.Errorf("got %+v, want %+v", got.Repository.Ref, want)
		}
		if got.Interval != time.Minute {
			t.Errorf("got interval %s", got.Interval)
		}
	}
}

func TestEachFormatIsKnownToTheIndex(t *testing.T) {
	for in, want := range map[v1alpha1.Format]gitindex.Format{
		v1alpha1.FormatAuto:      gitindex.Auto,
		v1alpha1.FormatPlain:     gitindex.Plain,
		v1alpha1.FormatKustomize: gitindex.Kustomize,
	} {
		if string(in) != string(want) {
			t.Errorf("%q is %q", in, want)
		}
	}
}

func TestWhatHasToBeSignedIsConverted(t *testing.T) {
	for in, want := range map[v1alpha1.VerifyMode]gitindex.VerifyMode{
		"":                        gitindex.VerifyHEAD,
		v1alpha1.VerifyHEAD:       gitindex.VerifyHEAD,
		v1alpha1.VerifyTag:        gitindex.VerifyTag,
		v1alpha1.VerifyTagAndHEAD: gitindex.VerifyTagAndHEAD,
	} {
		verify := &v1alpha1.Verify{Mode: in, SecretRef: v1alpha1.SecretReference{Name: "keys"}}
		got, _ := Source(v1alpha1.GitSource{Spec: v1alpha1.GitSourceSpec{Git: &v1alpha1.Git{Verify: verify}}})
		if want := (gitindex.Verification{Mode: want, Keys: gitindex.SecretRef{Name: "keys"}}); got.Repository.Verify != want {
			t.Errorf("got %+v, want %+v", got.Repository.Verify, want)
		}
	}
}
