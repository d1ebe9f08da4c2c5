package stage

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"gitonly.dev/gitonly/e2e/controlplane"
)

// Webhook is a running webhook process.
type Webhook struct {
	Name  string
	Log   string // path of its log
	Cache string // folder of what it keeps on disk

	stage     *Stage
	args      []string
	cmd       *exec.Cmd
	exited    chan struct{}
	certs     string
	authority *authority
	port      int
	health    int
	metrics   int
	pushes    int
}

// WebhookOptions say how to run a webhook.
type WebhookOptions struct {
	Name   string // of this webhook among those on the stage
	Config string // folder for --config; empty to read the cluster
	Args   []string

	OwnCertificates bool // it is told by Args where to keep certificates that it makes

	As controlplane.User // whom it works as; the chart's service account, which has the chart's rights, if empty

	PushSecret string // Secret with the token that Git servers share, if it is to hear of pushes
}

// StartWebhook starts a webhook process. It does not wait for it to be ready,
// and nothing asks it yet: see WaitReady and Register. Stop ends it.
func (s *Stage) StartWebhook(o WebhookOptions) (*Webhook, error) {
	w := &Webhook{
		Name:  o.Name,
		Log:   filepath.Join(s.dir, o.Name, "webhook.log"),
		Cache: filepath.Join(s.dir, o.Name, "cache"),
		stage: s,
		certs: filepath.Join(s.dir, o.Name, "tls"),
	}
	if err := errors.Join(w.prepare(), s.onlyCharted(context.Background())); err != nil {
		return nil, fmt.Errorf("preparing webhook %s: %w", o.Name, err)
	}
	w.args = []string{
		"--kubeconfig=" + cmp.Or(o.As.Kubeconfig, s.gitonly.Kubeconfig),
		"--namespace=gitonly-system",
		"--bind-address=127.0.0.1",
		"--shutdown-delay=0s",
		"--port=" + strconv.Itoa(w.port),
		"--cache-dir=" + w.Cache,
		"--metrics-bind-address=127.0.0.1:" + strconv.Itoa(w.metrics),
		"--health-probe-bind-address=127.0.0.1:" + strconv.Itoa(w.health),
	}
	if !o.OwnCertificates {
		w.args = append(w.args, "--cert-dir="+w.certs)
	}
	if o.Config != "" {
		w.args = append(w.args, "--config="+o.Config)
	}
	if o.PushSecret != "" {
		w.args = append(w.args, "--push-bind-address=127.0.0.1:"+strconv.Itoa(w.pushes), "--push-secret="+o.PushSecret)
	}
	w.args = append(w.args, o.Args...)
	return w, w.Start()
}

// Start starts the process again after Stop, where the API server finds it and
// with what it kept on disk.
func (w *Webhook) Start() error {
	log, err := os.OpenFile(w.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd, exited := exec.Command(filepath.Join(w.stage.Bin, "webhook"), w.args...), make(chan struct{})
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting webhook %s: %w", w.Name, err)
	}
	w.cmd, w.exited = cmd, exited
	go func() {
		_ = cmd.Wait() // the log says why it ended
		close(exited)
	}()
	return nil
}

// prepare makes the certificate and picks ports.
func (w *Webhook) prepare() error {
	if err := os.MkdirAll(w.certs, 0o700); err != nil {
		return err
	}
	var err error
	if w.authority, err = newAuthority(); err != nil {
		return err
	}
	if err := w.Certify(time.Now().Add(-time.Hour), time.Now().Add(time.Hour)); err != nil {
		return err
	}
	for _, port := range []*int{&w.port, &w.health, &w.metrics, &w.pushes} {
		if *port, err = w.stage.ports.free(); err != nil {
			return err
		}
	}
	return nil
}

// WaitReady waits until /readyz says ok.
func (w *Webhook) WaitReady(ctx context.Context) error {
	var last error
	err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		select {
		case <-w.exited:
			return false, errors.New("it ended")
		default:
		}
		_, last = w.get(ctx, w.health, "/readyz")
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for webhook %s to be ready: %w (%w)\n%s", w.Name, err, last, w.tail())
	}
	return nil
}

// Ready returns what /readyz says in full; the error is nil if it says ok.
func (w *Webhook) Ready(ctx context.Context) (string, error) {
	return w.get(ctx, w.health, "/readyz")
}

// Metrics returns what /metrics says.
func (w *Webhook) Metrics(ctx context.Context) (string, error) {
	return w.get(ctx, w.metrics, "/metrics")
}

func (w *Webhook) get(ctx context.Context, port int, path string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", port, path), nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return string(body), fmt.Errorf("%s: %s: %s", path, response.Status, body)
	}
	return string(body), nil
}

// Review sends body to the webhook as the API server sends an AdmissionReview,
// and returns the status and body of the answer.
func (w *Webhook) Review(ctx context.Context, body []byte) (status string, answer []byte, err error) {
	trusted := x509.NewCertPool()
	trusted.AddCert(w.authority.certificate)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}
	defer transport.CloseIdleConnections()
	return post(ctx, &http.Client{Transport: transport}, w.url(), nil, body)
}

// Push sends body to the webhook as a Git server tells of a push, and returns
// the status and body of the answer.
func (w *Webhook) Push(ctx context.Context, header http.Header, body []byte) (status string, answer []byte, err error) {
	return post(ctx, http.DefaultClient, fmt.Sprintf("http://127.0.0.1:%d/push", w.pushes), header, body)
}

// post sends JSON.
func post(ctx context.Context, client *http.Client, url string, header http.Header, body []byte) (status string, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return "", nil, err
	}
	maps.Copy(request.Header, header)
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return "", nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return response.Status, answer, err
}

// Port is where the webhook listens on loopback.
func (w *Webhook) Port() int { return w.port }

// url is where the API server finds the webhook.
func (w *Webhook) url() string { return fmt.Sprintf("https://127.0.0.1:%d/validate", w.port) }

// tail is the end of the log.
func (w *Webhook) tail() []byte {
	log, err := os.ReadFile(w.Log)
	if err != nil {
		return []byte(err.Error())
	}
	return log[max(0, len(log)-4000):]
}

// Stop ends the process as a Pod's end does, and waits for it.
func (w *Webhook) Stop() {
	_ = w.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-w.exited:
	case <-time.After(time.Minute):
		_ = w.cmd.Process.Kill()
		<-w.exited
	}
}

// Kill ends the process as the kernel does where memory is short, and waits for
// it.
func (w *Webhook) Kill() {
	_ = w.cmd.Process.Kill() // it may have ended already
	<-w.exited
}

// Pause makes the process hang, until Resume.
func (w *Webhook) Pause() error { return w.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume has the process go on.
func (w *Webhook) Resume() error { return w.cmd.Process.Signal(syscall.SIGCONT) }

// Running reports whether the process has not ended.
func (w *Webhook) Running() bool {
	select {
	case <-w.exited:
		return false
	default:
		return true
	}
}
