package main

import (
	"bytes"
	"testing"
)

func TestACheckNamesWhatIsNotReady(t *testing.T) {
	const (
		ready  = "\nkind: GitSource\nmetadata: {name: infra}\nstatus: {conditions: [{type: Ready, status: \"True\", reason: Rendered}], replicas: [{name: a, lastSeenTime: \"2026-03-01T11:59:00Z\"}]}\n"
		silent = "\nkind: GitSource\nmetadata: {name: old}\nstatus: {conditions: [{type: Ready, status: \"True\", reason: Rendered}], replicas: [{name: a, lastSeenTime: \"2026-03-01T11:49:00Z\"}]}\n"
		broken = "\nkind: GitSource\nmetadata: {name: apps}\nstatus: {conditions: [{type: Ready, status: \"False\", reason: FetchFailed}]}\n"
		unseen = "\nkind: GuardPolicy\nmetadata: {name: gitonly}\n"
		used   = "\nkind: GuardPolicy\nmetadata: {name: gitonly}\nstatus: {conditions: [{type: Ready, status: \"True\", reason: Applied}]}\n"
	)
	for _, test := range []struct {
		name    string
		objects []string
		want    string
	}{
		{name: "all is ready", objects: []string{ready, used, renamed}},
		{name: "nothing is there, and gitonly is asked", objects: []string{renamed}},
		{name: "a source and a policy are not", objects: []string{ready, broken, unseen, renamed}, want: "not ready: GitSource apps, GuardPolicy gitonly"},
		{name: "nobody asks gitonly", objects: []string{ready, used, another}, want: "the API server asks gitonly about nothing"},
		{name: "no replica was heard of for long", objects: []string{silent, used, renamed}, want: "no replica of gitonly was heard of lately"},
		{name: "all is wrong", objects: []string{broken}, want: "not ready: GitSource apps; the API server asks gitonly about nothing; no replica of gitonly was heard of lately"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got string
			shownStatus(t, func(_ *bytes.Buffer, s status) error {
				if err := unready(s); err != nil {
					got = err.Error()
				}
				return nil
			}, test.objects...)
			if got != test.want {
				t.Errorf("the error is %q, want %q", got, test.want)
			}
		})
	}
}
