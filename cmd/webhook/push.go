package main

import (
	"context"
	"fmt"
	"net/http"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
	"gitonly.dev/gitonly/pkg/push"
)

// tokenKey is where the Secret for pushes holds the token.
const tokenKey = "token"

// servePushes adds the server that hears of pushes. The address is taken at
// once.
func (p *parts) servePushes(secrets git.Secrets) error {
	if p.options.push == "0" {
		return nil
	}
	token := func(ctx context.Context) ([]byte, error) {
		data, err := secrets.Data(ctx, gitindex.SecretRef{Name: p.options.pushSecret})
		if err != nil {
			return nil, err
		}
		if len(data[tokenKey]) == 0 {
			return nil, fmt.Errorf("the Secret %s has no key %s", p.options.pushSecret, tokenKey)
		}
		return data[tokenKey], nil
	}
	mux := http.NewServeMux()
	mux.Handle("/push", push.NewReceiver(token, p.refresher, p.log.WithName("push")))
	return addServer(p.manager, "push", "push-bind-address", on(p.options.bindAddress, p.options.push), mux)
}
