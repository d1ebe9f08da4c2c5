package outages_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// situation is something that goes wrong: rows of the table.
type situation struct {
	name    string
	happens func(context.Context, *scene) error // returns when it has come to bear
}

// situations are what is tried, each on a scene of its own.
var situations = []situation{
	{"all is well", func(context.Context, *scene) error { return nil }},

	{"no replica is up", func(ctx context.Context, s *scene) error {
		s.webhook.Stop()
		return s.gets(ctx, departs, blocked, "connection refused")
	}},
	{"gitonly was killed at its memory limit, and isn't up again", func(ctx context.Context, s *scene) error {
		s.webhook.Kill()
		return s.gets(ctx, departs, blocked, "connection refused")
	}},
	{"gitonly hangs", func(ctx context.Context, s *scene) error {
		s.t.Cleanup(func() { s.must(s.webhook.Resume()) })
		return errors.Join(s.webhook.Pause(), s.gets(ctx, departs, blocked, "deadline exceeded"))
	}},
	{"the certificate has expired", func(ctx context.Context, s *scene) error {
		err := s.webhook.Certify(yesterday, anHourAgo)
		s.webhook.Stop()
		return errors.Join(err, s.webhook.Start(), s.unready(ctx, "certificate: the serving certificate expired"),
			s.gets(ctx, departs, blocked, "certificate has expired"))
	}},

	{"Git is down", func(ctx context.Context, s *scene) error {
		return errors.Join(s.server.Close(), s.says(ctx, "infra", v1alpha1.ReasonFetchFailed, "connection refused"))
	}},
	{"Git is down since before the start, and the cache on disk is kept", func(ctx context.Context, s *scene) error {
		err := s.server.Close()
		s.webhook.Kill() // as the kernel does; what is on disk has to be whole
		return errors.Join(err, s.webhook.Start(), s.webhook.WaitReady(ctx),
			s.says(ctx, "infra", v1alpha1.ReasonFetchFailed, "connection refused"), s.decides(ctx))
	}},
	{"Git is down since before the start, and the cache is empty", func(ctx context.Context, s *scene) error {
		err := s.server.Close()
		s.webhook.Stop()
		return errors.Join(err, os.RemoveAll(s.webhook.Cache), s.webhook.Start(),
			s.webhook.WaitReady(ctx), // asked, or the agent couldn't write either
			s.says(ctx, "infra", v1alpha1.ReasonFetchFailed, "connection refused"),
			s.gets(ctx, departs, refused, "can't decide"))
	}},
	{"one source of two was never loaded", func(ctx context.Context, s *scene) error {
		other := s.source("other")
		other.Spec.Git.URL += "-is-not-there"
		return errors.Join(s.agent().Create(ctx, other), s.says(ctx, "other", v1alpha1.ReasonFetchFailed, ""),
			s.gets(ctx, writes[1], refused, "can't decide"))
	}},

	{"a commit can't be rendered within its memory", func(ctx context.Context, s *scene) error {
		s.commit(map[string]string{
			"apps/Chart.yaml":         "apiVersion: v2\nname: apps\nversion: 1.0.0\n",
			"apps/templates/all.yaml": "{{ until 1000000000 }}\n",
		})
		return s.says(ctx, "infra", v1alpha1.ReasonRenderFailed, "512 MiB of memory")
	}},
	{"a path is gone from Git", func(ctx context.Context, s *scene) error {
		s.commit(map[string]string{"README.md": "The applications have moved.\n"})
		return s.says(ctx, "infra", v1alpha1.ReasonRenderFailed, "apps")
	}},
	{"a path renders to nothing: the snapshot is empty", func(ctx context.Context, s *scene) error {
		s.commit(map[string]string{"apps/README.md": "The applications have moved.\n"})
		return errors.Join(s.says(ctx, "infra", v1alpha1.ReasonRendered, "0 objects"), s.gets(ctx, departs, allowed, ""))
	}},
	{"the GitSource was deleted", func(ctx context.Context, s *scene) error {
		infra := s.source("infra")
		err := s.own.Delete(ctx, infra)
		if err == nil || !strings.Contains(err.Error(), "says what gitonly guards, so it changes through Git only") {
			return fmt.Errorf("an administrator deletes it: %w", err)
		}
		return errors.Join(s.agent().Delete(ctx, infra), s.gets(ctx, departs, allowed, ""))
	}},

	{"the API server was killed, and is up again", func(ctx context.Context, s *scene) error {
		err := s.stage.Plane.RestartAPIServer(ctx)
		if !s.webhook.Running() {
			return errors.New("the webhook's process has ended with the API server's")
		}
		return errors.Join(err, s.decides(ctx))
	}},
}

var yesterday, anHourAgo = time.Now().Add(-24 * time.Hour), time.Now().Add(-time.Hour)

// unready waits until /readyz says no to one thing alone, which begins like this.
func (s *scene) unready(ctx context.Context, why string) error {
	return until(ctx, "/readyz to say no", func(ctx context.Context) error {
		wrong := s.readiness(ctx)
		if !strings.HasPrefix(wrong, why) || strings.Contains(wrong, "; ") {
			return fmt.Errorf("it says: %s", wrong)
		}
		return nil
	})
}

// agent is a client of the agent's for gitonly's own kinds.
func (s *scene) agent() client.Client {
	own, err := client.New(agent(s.cluster).Config, client.Options{Scheme: s.own.Scheme()})
	s.must(err)
	return own
}
