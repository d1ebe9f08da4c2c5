package certificates_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"gitonly.dev/gitonly/pkg/certificates"
)

func TestTheCheckSeesWhatTheAPIServerSees(t *testing.T) {
	ours, others := newWorld(t, 1), newWorld(t, 1)
	ours.look(ours.replicas[0])
	others.look(others.replicas[0])
	address := serve(t, ours.replicas[0])
	const refuses = "the API server refuses the serving certificate by ValidatingWebhookConfiguration gitonly: "
	registration := func(service string, bundle []byte) client.Object {
		return &admissionregistration.ValidatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: "gitonly"},
			Webhooks: []admissionregistration.ValidatingWebhook{{ClientConfig: admissionregistration.WebhookClientConfig{
				Service: &admissionregistration.ServiceReference{Namespace: "gitonly-system", Name: service}, CABundle: bundle,
			}}},
		}
	}
	elsewhere := "https://proxy.example.com"
	for _, test := range []struct {
		name         string
		later        time.Duration
		registration client.Object // nil if there is none
		own          bool
		unreadable   bool
		want         string
	}{
		{name: "as it should be", registration: registration("gitonly", ours.bundle())},
		{name: "no registration"},
		{name: "one that can't be read", unreadable: true},
		{name: "expired", later: 7 * time.Hour, want: "the serving certificate expired at 2026-03-01T18:00:00Z: renew it"},
		{name: "not valid yet", later: -2 * time.Hour, want: "the serving certificate is valid only from 2026-03-01T11:00:00Z: check the clock"},
		{name: "for another name", registration: registration("other", ours.bundle()),
			want: refuses + "x509: certificate is valid for gitonly.gitonly-system.svc, not other.gitonly-system.svc"},
		{name: "of another authority", registration: registration("gitonly", others.bundle()),
			want: refuses + "its caBundle must be of who signed it: x509: certificate signed by unknown authority"},
		{name: "of an authority that the API server may know", registration: registration("gitonly", nil)},
		{name: "of gitonly's own authority, which it can't know", registration: registration("gitonly", nil), own: true, want: refuses + "its caBundle isn't set yet"},
		{name: "a bundle without a certificate", registration: registration("gitonly", []byte("x")), want: refuses + "there is no certificate in its caBundle"},
		{name: "something may be between", registration: &admissionregistration.ValidatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: "gitonly"},
			Webhooks:   []admissionregistration.ValidatingWebhook{{ClientConfig: admissionregistration.WebhookClientConfig{URL: &elsewhere, CABundle: others.bundle()}}},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			builder := fake.NewClientBuilder()
			if test.registration != nil {
				builder = builder.WithObjects(test.registration)
			}
			reader := builder.Build()
			check := &certificates.Check{
				Address: address, OwnBundle: test.own, Clock: clocktesting.NewFakePassiveClock(start.Add(test.later)),
				Registration: func(ctx context.Context) (*certificates.Registration, error) {
					if test.unreadable {
						return nil, fmt.Errorf("forbidden")
					}
					return certificates.ReadRegistration(ctx, reader, "gitonly")
				},
			}
			err := check.Run(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want)):
				t.Errorf("error: %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestTheCheckKnowsOfARenewalAtOnce(t *testing.T) {
	before, renewed := newWorld(t, 1), newWorld(t, 1)
	before.look(before.replicas[0])
	renewed.look(renewed.replicas[0])
	address := serve(t, renewed.replicas[0])
	registered := before
	check := &certificates.Check{
		Address: address, Clock: clocktesting.NewFakePassiveClock(start),
		Registration: func(ctx context.Context) (*certificates.Registration, error) {
			return certificates.ReadRegistration(ctx, registered.client, "gitonly")
		},
	}
	probe := func() error {
		return check.Run(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	}
	if err := probe(); err == nil {
		t.Error("the API server would take the certificate already")
	}
	registered = renewed
	if err := probe(); err != nil {
		t.Error(err)
	}
}

// serve serves what a replica does, and returns where.
func serve(t *testing.T, k *certificates.Keeper) string {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: k.GetCertificate})
	if err != nil {
		t.Fatal(err)
	}
	served := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = served.Serve(listener) }()
	t.Cleanup(func() { _ = served.Close() })
	return listener.Addr().String()
}

func TestTheCheckSaysThatNobodyAnswers(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	check := &certificates.Check{Address: listener.Addr().String(), Clock: clocktesting.NewFakePassiveClock(start)}
	err = check.Run(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	if err == nil || !strings.HasPrefix(err.Error(), "gitonly can't connect to itself: dial tcp 127.0.0.1:") {
		t.Errorf("error: %v", err)
	}
}
