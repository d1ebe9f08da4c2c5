package main

import (
	"bytes"
	"testing"
)

func TestACheckNamesWhatIsNotReady(t *testing.T) {
	const (
		ready  = "\nkind: GitSource\nmetadata: {name: infra}\nstatus: {conditions: [{type: Ready, status: \"True\", reason: Rendered}]}\n"
		broken = "\nkind: GitSource\nmetadata: {name: apps}\nstatus: {conditions: [{type: Ready, status: \"False\", reason: FetchFailed}]}\n"
		unseen = "\nkind: GuardPolicy\nmetadata: {name: gitonly}\n"
		used   = "\nkind: GuardPolicy\nmetadata: {name: gitonly}\nstatus: {conditions: [{type: Ready, status: \"True\", reason: Applied}]}\n"
	)
	for _, test := range []struct {
		name    string
		objects []string
		want    string
	}{
		{name: "all is ready", objects: []string{ready, used}},
		{name: "nothing is there", objects: nil},
		{name: "a source and a policy are not", objects: []string{ready, broken, unseen}, want: "not ready: GitSource apps, GuardPolicy gitonly"},
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
