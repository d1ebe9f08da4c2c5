package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"gitonly.dev/gitonly/e2e/gitserver"
)

const (
	foreignKinds  = 100
	foreignGroups = 20 // which have five kinds each
	foreignFields = 200
)

// measureSchemas starts gitonly in a cluster without other people's kinds, then
// with them, and then with objects of some and of all of them in Git.
func measureSchemas(ctx context.Context, s settings, results *table) error {
	dir, err := os.MkdirTemp("", "gitonly-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c, err := startCluster(ctx, dir, os.Stderr, []string{asksGitonly}, nil)
	if err != nil {
		return err
	}
	defer c.stop()
	idle := map[string]samples{}
	measure := func(state string, declared int) error {
		commit, err := c.git.Commit(gitserver.Commit{Files: map[string]string{"apps/foreign.yaml": foreignObjects(declared)}})
		if err != nil {
			return err
		}
		for range min(s.rounds, 3) {
			c.webhook.Stop()
			if err := c.webhook.Start(); err != nil {
				return err
			}
			if err := c.webhook.WaitReady(ctx); err != nil {
				return err
			}
			if err := c.follows(ctx, commit); err != nil {
				return err
			}
			time.Sleep(5 * time.Second) // what is idle is measured, and schemas are read in the background
			now, err := c.process(ctx)
			if err != nil {
				return err
			}
			idle[state] = append(idle[state], now.rss/1e6)
		}
		return nil
	}
	if err := measure("none", 0); err != nil {
		return err
	}
	if err := c.stage.Apply(ctx, []byte(foreignDefinitions())); err != nil {
		return err
	}
	for _, state := range []struct {
		name     string
		declared int
	}{{"foreign", 0}, {"some", foreignKinds / 10}, {"all", foreignKinds}} {
		if err := measure(state.name, state.declared); err != nil {
			return err
		}
	}
	name := fmt.Sprintf("%d custom kinds of %d fields, ", foreignKinds, foreignFields)
	results.add("RSS idle, no custom kinds", "MB", idle["none"], nil)
	results.add(name+"none in Git: RSS idle", "MB", idle["foreign"], nil)
	results.add(name+"none in Git: RSS idle / no custom kinds", "ratio", idle["foreign"].over(idle["none"]), atMost(1.05))
	results.add(name+"a tenth in Git: RSS idle", "MB", idle["some"], nil)
	results.add(name+"all in Git: RSS idle", "MB", idle["all"], nil)
	return nil
}

func foreignGroup(i int) string { return fmt.Sprintf("group%d.example.com", i%foreignGroups) }

// foreignDefinitions are CustomResourceDefinitions.
func foreignDefinitions() string {
	var fields, all strings.Builder
	for i := range foreignFields {
		fmt.Fprintf(&fields, "              field%d: {type: string, description: what field %d of the specification is for}\n", i, i)
	}
	for i := range foreignKinds {
		fmt.Fprintf(&all, `---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things%[1]d.%[2]s}
spec:
  group: %[2]s
  scope: Namespaced
  names: {kind: Thing%[1]d, plural: things%[1]d, singular: thing%[1]d, listKind: Thing%[1]dList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
%[3]s`, i, foreignGroup(i), fields.String())
	}
	return all.String()
}

// foreignObjects are one of each of so many of these kinds.
func foreignObjects(count int) string {
	var all strings.Builder
	all.WriteString("# objects of other people's kinds\n")
	for i := range count {
		fmt.Fprintf(&all, "---\napiVersion: %s/v1\nkind: Thing%d\nmetadata: {name: one, namespace: %s}\nspec: {field1: a, field2: b}\n", foreignGroup(i), i, asksGitonly)
	}
	return all.String()
}
