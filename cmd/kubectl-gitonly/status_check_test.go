package main

import (
	"bytes"
	"strings"
	"testing"

	"gitonly.dev/gitonly/config/webhook"
)

func TestACheckNamesWhatIsNotReady(t *testing.T) {
	const (
		ready  = "\nkind: GitSource\nmetadata: {name: infra}\nstatus: {conditions: [{type: Ready, status: \"True\", reason: Rendered}], replicas: [{name: a, lastSeenTime: \"2026-03-01T11:59:00Z\"}]}\n"
		silent = "\nkind: GitSource\nmetadata: {name: old}\nstatus: {conditions: [{type: Ready, status: \"True\", reason: Rendered}], replicas: [{name: a, lastSeenTime: \"2026-03-01T11:49:00Z\"}]}\n"
		broken = "\nkind: GitSource\nmetadata: {name: apps}\nstatus: {conditions: [{type: Ready, status: \"False\", reason: FetchFailed}]}\n"
		unseen = "\nkind: GuardPolicy\nmetadata: {name: gitonly}\n"
		alone  = "\nkind: GuardPolicy\nmetadata: {name: alone}\nspec: {mode: Enforce}\nstatus: {conditions: [{type: Ready, status: \"True\", reason: Applied}, {type: Agents, status: \"False\", reason: NoAgents, " +
			"message: \"nobody can bring Git's changes: spec.agents.subjects is empty, and no GitSource has found Argo CD or Flux\"}]}\n"
		astray = "\nkind: GuardPolicy\nmetadata: {name: astray}\nspec: {mode: Enforce}\nstatus: {conditions: [{type: Ready, status: \"True\", reason: Applied}, {type: Agents, status: \"False\", reason: AgentNotFound, " +
			"message: \"ServiceAccount flux-system/syncer of spec.agents doesn't exist\"}]}\n"
		used = "\nkind: GuardPolicy\nmetadata: {name: gitonly}\nstatus: {conditions: [{type: Ready, status: \"True\", reason: Applied}]}\n"
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
		{name: "a policy refuses the agent, too", objects: []string{ready, alone, renamed},
			want: "GuardPolicy alone enforces, and nobody can bring Git's changes: spec.agents.subjects is empty, and no GitSource has found Argo CD or Flux"},
		{name: "a policy refuses an agent that it misspells", objects: []string{ready, astray, renamed}, want: "GuardPolicy astray enforces, and ServiceAccount flux-system/syncer of spec.agents doesn't exist"},
		{name: "one that only warns does not", objects: []string{ready, strings.Replace(alone, "Enforce", "Audit", 1), renamed}},
		{name: "the API server can't verify gitonly", objects: []string{ready, used, unverified}, want: "ValidatingWebhookConfiguration gitonly has no caBundle, and no write that it asks about passes"},
		{name: "and asks in vain", objects: []string{ready, used, string(webhook.Registration)}, want: "ValidatingWebhookConfiguration gitonly has no caBundle, and every write passes"},
		{name: "at a URL it may know who signed", objects: []string{ready, used, elsewhere}},
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
