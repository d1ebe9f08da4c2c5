package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/go-logr/logr"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/meta"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/cluster"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/chart"
	"gitonly.dev/gitonly/pkg/gitindex/git"
	"gitonly.dev/gitonly/pkg/gitindex/render"
	"gitonly.dev/gitonly/pkg/leadership"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields"
	"gitonly.dev/gitonly/pkg/policy/fields/builtin"
	"gitonly.dev/gitonly/pkg/tracing"
	"gitonly.dev/gitonly/pkg/version"
)

// servePath is where the API server finds the webhook.
const servePath = "/validate"

// run is the program: it returns when ctx ends, with the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "webhook: %v\n", err)
		return 2
	case o.version:
		fmt.Fprintf(stdout, "webhook %s\n", version.String())
		return 0
	}
	log := zap.New(zap.UseFlagOptions(&o.zap), zap.WriteTo(stderr))
	ctrl.SetLogger(log)
	log.Info("gitonly starts", "version", version.String())
	if err := serve(ctx, o, log); err != nil {
		log.Error(err, "gitonly stops")
		return 1
	}
	return 0
}

// sidesKept is how much memory the declared objects may take that were compared
// with last: about 600 Deployments of one container.
const sidesKept = 4 << 20

// serve puts the parts together and runs them.
func serve(ctx context.Context, o *options, log logr.Logger) error {
	limitMemory(log)
	started := collectTightly()
	types, err := builtin.Types()
	if err != nil {
		return err
	}
	access, err := clusterAccess(o)
	if err != nil {
		return err
	}
	m, err := newManager(o, access, log)
	if err != nil {
		return err
	}
	meter, err := newMeter()
	if err != nil {
		return err
	}
	tracing, err := tracing.New(ctx, version.String(), log.WithName("tracing"))
	if err != nil {
		return err
	}
	if err := m.Add(tracing); err != nil {
		return err
	}
	parts := &parts{options: o, manager: m, types: types.Keeping(sidesKept), meter: tracing.Meter(meter), log: log}
	if o.leaderElect && access != nil {
		if err := parts.standForElection(ctx, access); err != nil {
			return err
		}
	}
	if access != nil {
		if err := parts.followSchemas(access); err != nil {
			return err
		}
	}
	if o.config != "" {
		err = parts.fromFiles()
	} else {
		err = parts.fromCluster(access)
	}
	if err != nil {
		return err
	}
	var namespaces admission.Namespaces
	var objects admission.Objects
	var adviser admission.Adviser
	var mapper meta.RESTMapper
	if access != nil {
		if namespaces, err = cluster.NewNamespaces(ctx, m.GetCache()); err != nil {
			return err
		}
		objects, adviser = cluster.NewObjects(m.GetAPIReader()), parts.adviser()
		mapper = m.GetRESTMapper()
	}
	handling := admission.Parts{
		Snapshots:  &parts.index,
		Policies:   &parts.policies,
		Namespaces: namespaces,
		Objects:    objects,
		Kinds:      admission.NewKinds(scheme.Scheme, mapper),
		Refresher:  parts.refresher,
		Adviser:    adviser,
		Meter:      meter,
		Tracer:     tracing.Tracer(),
		Clock:      clock.RealClock{},
		Log:        log.WithName("admission"),
	}
	if access != nil {
		if err := parts.breakGlass(access, &handling); err != nil {
			return err
		}
	}
	certificate, err := parts.certificate(access)
	if err != nil {
		return err
	}
	if err := parts.measure(certificate); err != nil {
		return err
	}
	if err := parts.watchRegistration(access); err != nil {
		return err
	}
	drain := new(drain)
	if err := parts.serveReviews(admission.NewHandler(handling), certificate, drain); err != nil {
		return err
	}
	if err := serveProbes(m, on(o.bindAddress, o.health), parts.readiness(parts.certificateCheck(access), drain)); err != nil {
		return err
	}
	if err := m.Add(everywhere(parts.refresher.Run)); err != nil {
		return err
	}
	if err := m.Add(everywhere(collectEarly)); err != nil {
		return err
	}
	if err := m.Add(everywhere(parts.shedStart)); err != nil {
		return err
	}
	started()
	return m.Start(drain.after(ctx, o.shutdownDelay, log))
}

// parts are what the configuration's two origins fill in alike.
type parts struct {
	options   *options
	manager   ctrl.Manager
	types     *fields.Types
	schemas   *cluster.Schemas   // nil without an API server
	leader    *leadership.Leader // nil where all is done by each replica
	meter     gitindex.Meter
	log       logr.Logger
	index     gitindex.Index
	policies  admission.PolicyStore
	fetcher   *git.Store
	refresher *gitindex.Refresher

	discovered func() error // says why the GitSources aren't known yet
}

// standForElection has this replica write status, and close emergencies, only
// while it leads. It gives the lead up as soon as ctx ends, before the manager
// stops: another need not wait until it has served on, or until its lease ends.
func (p *parts) standForElection(ctx context.Context, access *rest.Config) error {
	leader, err := leadership.NewLeader(access, p.options.namespace, "gitonly-leader", leadership.Times{}, p.log.WithName("leadership"))
	if err != nil {
		return err
	}
	p.leader = leader
	return p.manager.Add(until(ctx, leader.Start))
}

// followSchemas has kinds without a Go type compared by what the API server
// publishes of them.
func (p *parts) followSchemas(access *rest.Config) error {
	schemas, err := cluster.NewSchemas(access, p.manager.GetHTTPClient(), func(kind kschema.GroupVersionKind) bool {
		return !p.types.HasGoType(kind)
	}, cluster.SchemaTimes{}, p.log.WithName("schemas"))
	if err != nil {
		return err
	}
	p.schemas, p.types = schemas, p.types.With(schemas)
	return p.manager.Add(schemas)
}

// SetSources watches these sources from now on, and lets go of what was fetched
// for others.
func (p *parts) SetSources(sources []gitindex.Source) {
	var names []string
	for _, source := range sources {
		names = append(names, source.Fetched()...)
	}
	p.refresher.SetSources(sources)
	if err := p.fetcher.Retain(names); err != nil {
		p.log.Error(err, "removing what was fetched for sources that are gone")
	}
}

func (p *parts) adviser() *cluster.Adviser {
	return cluster.NewAdviser(cluster.NewObjects(p.manager.GetAPIReader()), func() policy.Agents { return p.policies.Current().Agents }, p.types)
}

// newRefresher makes what looks at Git. report, if any, takes note of each
// snapshot.
func (p *parts) newRefresher(secrets git.Secrets, report func(*gitindex.Snapshot)) {
	onChange := func(snapshot *gitindex.Snapshot) {
		if p.schemas != nil {
			p.schemas.Follow(snapshot)
		}
		if report != nil {
			report(snapshot)
		}
	}
	credentials := git.CredentialsFrom(secrets)
	p.fetcher = git.New(filepath.Join(p.options.cacheDir, "git"), credentials, git.Options{Timeout: p.options.fetchTimeout, Signers: git.SignersFrom(secrets)})
	charts := chart.New(filepath.Join(p.options.cacheDir, "charts"), credentials, chart.Options{Timeout: p.options.fetchTimeout})
	cache := gitindex.NewDiskCache(filepath.Join(p.options.cacheDir, "snapshot"))
	p.refresher = gitindex.NewRefresher(&p.index, chart.Both{Git: p.fetcher, Charts: charts}, render.New(render.Options{Child: render.OwnChild()}), cache, p.log.WithName("gitindex"),
		gitindex.Options{OnChange: onChange, Meter: p.meter})
}
