package agents_test

import (
	"context"
	"encoding/base64"
	"errors"
	"testing"

	"gitonly.dev/gitonly/e2e/agents"
	"gitonly.dev/gitonly/e2e/gitserver"
)

const (
	sealedUser       = "system:serviceaccount:kube-system:sealed-secrets-controller"
	databasePassword = "tr0ub4dor-and-3"
	databaseSecret   = `apiVersion: v1
kind: Secret
metadata:
  name: guestbook-database
  namespace: staging
stringData:
  url: postgres://database.example.com/guestbook
  password: ` + databasePassword + `
`
)

// unseals plays with the Secret that a declared SealedSecret asks for.
func (s *fluxScene) unseals(ctx context.Context, t *testing.T) {
	sealed, err := agents.StartSealedSecrets(ctx, s.Stage, t.Output())
	if errors.Is(err, agents.ErrNoNamespaces) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := sealed.Seal(ctx, databaseSecret)
	if err != nil {
		t.Fatal(err)
	}
	s.push(t, gitserver.Commit{Files: map[string]string{"apps/overlays/staging/sealed-database.yaml": manifest}})
	s.sync(ctx, t)
	unsealed := base64.StdEncoding.EncodeToString([]byte(databasePassword))
	eventually(ctx, t, "the controller has made the Secret", func() (bool, string, error) {
		o, err := s.object(ctx, "Secret", "staging", "guestbook-database")
		return field(o, "data", "password") == unsealed, "without the password", err
	})

	s.refused(ctx, t, "developer", `Secret staging/guestbook-database comes from SealedSecret staging/guestbook-database, which is declared in Git: apps/overlays/staging at main@$REV (checked AGE ago).
This request changes:
  data.password: the request sets it
Change SealedSecret staging/guestbook-database instead: apps/overlays/staging/sealed-database.yaml in $GIT_URL`,
		"patch", "secret/guestbook-database", "--namespace=staging", "--type=merge", `--patch={"stringData":{"password":"hunter2-hunter2"}}`)
	s.refused(ctx, t, "admin", `SealedSecret staging/guestbook-database is declared in Git: apps/overlays/staging at main@$REV (checked AGE ago).
To delete it, remove it from apps/overlays/staging/sealed-database.yaml in $GIT_URL`,
		"delete", "sealedsecret/guestbook-database", "--namespace=staging")
	// Its controller makes it again.
	s.accepted(ctx, t, "developer", "delete", "secret/guestbook-database", "--namespace=staging")
	eventually(ctx, t, "the controller has made the Secret again", func() (bool, string, error) {
		o, err := s.object(ctx, "Secret", "staging", "guestbook-database")
		return field(o, "data", "password") == unsealed, "without the password", err
	})
	s.neverRefused(t, sealedUser)
	s.secretless(t, databasePassword, "hunter2-hunter2")
}
