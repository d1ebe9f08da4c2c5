package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gitonly.dev/gitonly/pkg/version"
)

// served is a folder with something that looks like a certificate.
func served(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"tls.crt", "tls.key"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestWrongCommandLines(t *testing.T) {
	certs := served(t)
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"an argument", []string{"--cert-dir", certs, "serve"}, `"serve": no arguments are taken, only flags`},
		{"a port that is none", []string{"--cert-dir", certs, "--port=70000"}, "--port=70000: a port is a number from 1 to 65535"},
		{"no time to fetch", []string{"--cert-dir", certs, "--fetch-timeout=0s"}, "--fetch-timeout=0s: must be more than zero"},
		{"certificates from two places", []string{"--cert-dir", certs, "--cert-secret=gitonly"}, "--cert-dir and --cert-secret: only one can say where the certificate is"},
		{"certificates that nobody could be told to trust", []string{"--cert-secret=gitonly", "--webhook-configuration="},
			"--webhook-configuration: is required with --cert-secret: gitonly has the API server trust its certificate there"},
		{"a delay back in time", []string{"--cert-dir", certs, "--shutdown-delay=-1s"}, "--shutdown-delay=-1s: must not be less than zero"},
		{"no request at once", []string{"--cert-dir", certs, "--max-concurrent-requests=0"}, "--max-concurrent-requests=0: must be more than zero"},
		{"pushes that anybody may send", []string{"--cert-dir", certs, "--push-bind-address=:9444"},
			"--push-secret: is required with --push-bind-address: anybody could have sources looked at otherwise"},
		{"no certificate", []string{"--cert-dir", "/nowhere"},
			"--cert-dir=/nowhere: stat /nowhere/tls.crt: no such file or directory: put the server's certificate and key there\n" +
				"--cert-dir=/nowhere: stat /nowhere/tls.key: no such file or directory: put the server's certificate and key there"},
		{"a flag that isn't there", []string{"--cert-dir", certs, "--mode=audit"}, "unknown flag: --mode; webhook --help lists the flags"},
		{"a port that is no number", []string{"--cert-dir", certs, "--port=https"}, "--port=https: it must be a whole number; webhook --help lists the flags"},
		{"a duration without a unit", []string{"--cert-dir", certs, "--fetch-timeout=5"}, "--fetch-timeout=5: it must be a duration, such as 30s or 1m; webhook --help lists the flags"},
		{"a level that there isn't", []string{"--cert-dir", certs, "--zap-log-level=loud"}, "--zap-log-level=loud: invalid log level \"loud\"; webhook --help lists the flags"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			_, err := parse(test.args, &out)
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestWrongCommandLinesEndWithStatusTwo(t *testing.T) {
	var out, problems bytes.Buffer
	if status := run(t.Context(), []string{"--cert-dir", served(t), "--port=0"}, &out, &problems); status != 2 {
		t.Errorf("status %d", status)
	}
	if want := "webhook: --port=0: a port is a number from 1 to 65535\n"; problems.String() != want {
		t.Errorf("printed %q, want %q", problems.String(), want)
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	var out bytes.Buffer
	if status := run(t.Context(), []string{"--help"}, &out, &out); status != 0 {
		t.Errorf("status %d", status)
	}
	for _, flag := range []string{
		"--kubeconfig", "--config", "--namespace", "--bind-address", "--port", "--cert-dir", "--cache-dir",
		"--metrics-bind-address", "--health-probe-bind-address", "--leader-elect", "--policy-reports", "--fetch-timeout", "--shutdown-delay", "--cert-secret", "--webhook-configuration", "--service", "--max-concurrent-requests", "--zap-log-level",
	} {
		if !strings.Contains(out.String(), flag+" ") {
			t.Errorf("the help is silent about %s", flag)
		}
	}
}

func TestWithoutAClusterOnlyFilesWillDo(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	if _, err := clusterAccess(&options{}); err == nil || err.Error() != "not inside a cluster: set --kubeconfig, or --config to run from files alone" {
		t.Errorf("error: %v", err)
	}
	if access, err := clusterAccess(&options{config: "conf"}); access != nil || err != nil {
		t.Errorf("access %v, error %v", access, err)
	}
}

func TestTheVersionIsPrintedWithoutACertificate(t *testing.T) {
	var out, problems bytes.Buffer
	if status := run(t.Context(), []string{"--version"}, &out, &problems); status != 0 {
		t.Errorf("status %d, and %q", status, problems.String())
	}
	if want := "webhook " + version.String() + "\n"; out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
}
