package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/zap/zapcore"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// options are what the command line says.
type options struct {
	kubeconfig   string
	config       string
	namespace    string
	bindAddress  string
	port         int
	certDir      string
	cacheDir     string
	metrics      string
	health       string
	push         string
	pushSecret   string
	leaderElect  bool
	reports      bool
	fetchTimeout time.Duration
	version      bool

	certSecret   string
	registration string
	service      string

	shutdownDelay time.Duration
	concurrency   int
	zap           zap.Options
}

// parse reads the command line. It returns pflag.ErrHelp after it has printed
// the help that was asked for.
func parse(args []string, out io.Writer) (*options, error) {
	// What an error is about is in its text; a panic's stack is logged with it.
	o := &options{zap: zap.Options{TimeEncoder: zapcore.RFC3339NanoTimeEncoder, StacktraceLevel: zapcore.DPanicLevel}}
	flags := pflag.NewFlagSet("webhook", pflag.ContinueOnError)
	flags.SortFlags = false
	flags.SetOutput(out)
	flags.Usage = func() {
		fmt.Fprintf(out, "webhook lets changes into a Kubernetes cluster only through Git.\n\nFlags:\n%s", flags.FlagUsages())
	}
	flags.StringVar(&o.kubeconfig, "kubeconfig", os.Getenv("KUBECONFIG"), "file that says how to reach the API server; inside a cluster, its own service account is used without")
	flags.StringVar(&o.config, "config", "", "folder with GitSources, GuardPolicies and Secrets, read once at the start instead of those in the cluster")
	flags.StringVar(&o.namespace, "namespace", os.Getenv("POD_NAMESPACE"), "gitonly's own namespace, which holds the Secrets that GitSources name and the leader's lease; gitonly-system if empty")
	flags.StringVar(&o.bindAddress, "bind-address", "", "address that all servers listen on; every one if empty")
	flags.IntVar(&o.port, "port", 9443, "port that answers the API server")
	flags.StringVar(&o.certDir, "cert-dir", "/var/run/gitonly/tls", "folder with tls.crt and tls.key, which are read again when they change")
	flags.StringVar(&o.certSecret, "cert-secret", "", "name of a Secret in gitonly's namespace for certificates that gitonly makes, renews, and has the API server trust, instead of --cert-dir")
	flags.StringVar(&o.registration, "webhook-configuration", "gitonly", "name of the ValidatingWebhookConfiguration by which the API server asks gitonly: readiness looks at the certificate as that says, and a metric says whether it is there; empty if it is in a file of the API server's")
	flags.StringVar(&o.service, "service", "gitonly", "name of the Service in gitonly's namespace that certificates of --cert-secret are for")
	flags.StringVar(&o.cacheDir, "cache-dir", filepath.Join(os.TempDir(), "gitonly"), "folder for what was fetched and rendered, from which a restart serves while the Git server is away")
	flags.StringVar(&o.metrics, "metrics-bind-address", ":8080", "address of /metrics; 0 for none")
	flags.StringVar(&o.health, "health-probe-bind-address", ":8081", "address of /healthz and /readyz; 0 for none")
	flags.StringVar(&o.push, "push-bind-address", "0", "address that hears of pushes from GitHub, GitLab, Gitea, Forgejo and Bitbucket, at /push; 0 for none")
	flags.StringVar(&o.pushSecret, "push-secret", "", "name of the Secret in gitonly's namespace whose key token the Git servers share")
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "of several replicas let only one write status")
	flags.BoolVar(&o.reports, "policy-reports", false, "write what departs from Git, as Audit mode lets it, into PolicyReports (wgpolicyk8s.io/v1alpha2)")
	flags.DurationVar(&o.fetchTimeout, "fetch-timeout", time.Minute, "how long one fetch from a Git server may take")
	flags.DurationVar(&o.shutdownDelay, "shutdown-delay", 10*time.Second, "how long to serve on, not ready any more, when told to stop: until nobody sends requests here")
	flags.IntVar(&o.concurrency, "max-concurrent-requests", 100, "how many requests are decided at once, a large one counting for one more each 512 KiB; others wait, and what can't be decided in time is undecidable")
	flags.BoolVar(&o.version, "version", false, "print gitonly's version, and that's all")
	logging := flag.NewFlagSet("", flag.ContinueOnError)
	o.zap.BindFlags(logging)
	flags.AddGoFlagSet(logging)
	if err := flags.Parse(args); err != nil {
		return nil, misused(err)
	}
	if o.version {
		return o, nil
	}
	if o.namespace == "" {
		o.namespace = "gitonly-system"
	}
	if o.certSecret != "" && flags.Changed("cert-dir") {
		return o, errors.New("--cert-dir and --cert-secret: only one can say where the certificate is")
	}
	return o, o.validate(flags.Args())
}

// misused says how a flag is meant that can't be read.
func misused(err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		flag := invalid.GetFlag()
		problem := invalid.Unwrap().Error()
		if must := map[string]string{"int": "a whole number", "duration": "a duration, such as 30s or 1m", "bool": "true or false"}[flag.Value.Type()]; must != "" {
			problem = "it must be " + must
		}
		err = fmt.Errorf("--%s=%s: %s", flag.Name, invalid.GetValue(), problem)
	}
	return fmt.Errorf("%w; webhook --help lists the flags", err)
}

func (o *options) validate(rest []string) error {
	var problems []error
	if len(rest) > 0 {
		problems = append(problems, fmt.Errorf("%q: no arguments are taken, only flags", rest[0]))
	}
	if o.port < 1 || o.port > 65535 {
		problems = append(problems, fmt.Errorf("--port=%d: a port is a number from 1 to 65535", o.port))
	}
	if o.push != "0" && o.pushSecret == "" {
		problems = append(problems, errors.New("--push-secret: is required with --push-bind-address: anybody could have sources looked at otherwise"))
	}
	if o.certSecret != "" && o.registration == "" {
		problems = append(problems, errors.New("--webhook-configuration: is required with --cert-secret: gitonly has the API server trust its certificate there"))
	}
	if o.fetchTimeout <= 0 {
		problems = append(problems, fmt.Errorf("--fetch-timeout=%s: must be more than zero", o.fetchTimeout))
	}
	if o.shutdownDelay < 0 {
		problems = append(problems, fmt.Errorf("--shutdown-delay=%s: must not be less than zero", o.shutdownDelay))
	}
	if o.concurrency < 1 {
		problems = append(problems, fmt.Errorf("--max-concurrent-requests=%d: must be more than zero", o.concurrency))
	}
	for _, name := range []string{"tls.crt", "tls.key"} {
		if o.certSecret != "" {
			break
		}
		if _, err := os.Stat(filepath.Join(o.certDir, name)); err != nil {
			problems = append(problems, fmt.Errorf("--cert-dir=%s: %w: put the server's certificate and key there", o.certDir, err))
		}
	}
	return errors.Join(problems...)
}
