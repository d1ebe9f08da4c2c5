package certificates_test

import (
	"crypto/x509"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	admissionregistration "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"gitonly.dev/gitonly/pkg/certificates"
)

const host = "gitonly.gitonly-system.svc"

var (
	secretName = types.NamespacedName{Namespace: "gitonly-system", Name: "gitonly-certificate"}
	start      = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// world is a cluster with a registration, and replicas of gitonly.
type world struct {
	t        *testing.T
	client   client.Client
	clock    *clocktesting.FakeClock
	replicas []*certificates.Keeper
}

func newWorld(t *testing.T, replicas int, objects ...client.Object) *world {
	t.Helper()
	w := &world{t: t, clock: clocktesting.NewFakeClock(start)}
	service := &admissionregistration.ServiceReference{Namespace: "gitonly-system", Name: "gitonly"}
	objects = append(objects, &admissionregistration.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "gitonly"},
		Webhooks:   []admissionregistration.ValidatingWebhook{{Name: "validate.gitonly.dev", ClientConfig: admissionregistration.WebhookClientConfig{Service: service}}},
	})
	w.client = fake.NewClientBuilder().WithObjects(objects...).Build()
	for range replicas {
		w.add()
	}
	return w
}

func (w *world) add() *certificates.Keeper {
	k := certificates.NewKeeper(w.client, secretName, "gitonly", host,
		certificates.Times{Life: 6 * time.Hour, Settle: time.Minute, Overlap: 10 * time.Minute}, w.clock, logr.Discard())
	w.replicas = append(w.replicas, k)
	return k
}

// look has a replica look. Somebody else may have been first.
func (w *world) look(k *certificates.Keeper) {
	w.t.Helper()
	if err := k.Look(w.t.Context()); err != nil && !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
		w.t.Fatal(err)
	}
}

func (w *world) bundle() []byte {
	w.t.Helper()
	var c admissionregistration.ValidatingWebhookConfiguration
	if err := w.client.Get(w.t.Context(), types.NamespacedName{Name: "gitonly"}, &c); err != nil {
		w.t.Fatal(err)
	}
	return c.Webhooks[0].ClientConfig.CABundle
}

// believes returns an error if an API server that has this bundle refuses what a
// replica serves.
func (w *world) believes(k *certificates.Keeper, bundle []byte) error {
	served, err := k.GetCertificate(nil)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	_, err = served.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: w.clock.Now()})
	return err
}

func (w *world) secret() *corev1.Secret {
	w.t.Helper()
	var s corev1.Secret
	if err := w.client.Get(w.t.Context(), secretName, &s); err != nil {
		w.t.Fatal(err)
	}
	return &s
}

// TestRenewalsLoseNoRequest has three replicas look in any order for eight
// hours, in which certificates live for six. One of them is replaced at times, and
// the Secret is deleted once. API servers may have heard of the registration as
// it is, or as it was in the round before.
func TestRenewalsLoseNoRequest(t *testing.T) {
	w := newWorld(t, 3)
	random := rand.New(rand.NewPCG(1, 2))
	generations := map[string]bool{}
	for _, k := range w.replicas {
		w.look(k)
	}
	for _, k := range w.replicas {
		w.look(k) // whoever was not the first takes up what that did
	}
	before := w.bundle()
	for round := range 8 * 60 * 60 / 40 {
		w.clock.Step(40 * time.Second)
		if round%200 == 199 {
			w.replicas = w.replicas[1:]
			w.look(w.add())
		}
		if round == 250 {
			if err := w.client.Delete(t.Context(), w.secret()); err != nil {
				t.Fatal(err)
			}
		}
		for _, i := range random.Perm(len(w.replicas)) {
			w.look(w.replicas[i])
			for j, k := range w.replicas {
				for which, bundle := range map[string][]byte{"now": w.bundle(), "before": before} {
					if err := w.believes(k, bundle); err != nil {
						t.Fatalf("round %d, at %s: the API server as it is %s refuses replica %d: %v", round, w.clock.Now(), which, j, err)
					}
				}
			}
		}
		before = w.bundle()
		generations[string(w.secret().Data["tls.crt"])] = true
	}
	if len(generations) != 3 { // one after the deletion, and one 3:40 h later
		t.Errorf("%d generations were served", len(generations))
	}
}

func TestOnlyWhatServesIsTrustedInTheEnd(t *testing.T) {
	w := newWorld(t, 1)
	k := w.replicas[0]
	count := func() int { return strings.Count(string(w.bundle()), "BEGIN CERTIFICATE") }
	w.look(k)
	first, _ := k.GetCertificate(nil)
	for _, step := range []struct {
		after   time.Duration
		trusted int
		renewed bool
	}{
		{3*time.Hour + 39*time.Minute, 1, false}, // the hour that it was valid before counts
		{2 * time.Minute, 2, false},              // prepared, and trusted
		{time.Second, 2, false},                  // seen to be trusted
		{59 * time.Second, 2, false},
		{2 * time.Second, 2, true}, // served
		{time.Second, 2, true},
		{9 * time.Minute, 2, true},
		{2 * time.Minute, 1, true},
	} {
		w.clock.Step(step.after)
		w.look(k)
		served, err := k.GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		if renewed := !served.Leaf.Equal(first.Leaf); renewed != step.renewed || count() != step.trusted {
			t.Errorf("%s later: renewed %t, %d trusted; want %t, %d", step.after, renewed, count(), step.renewed, step.trusted)
		}
	}
}

func TestACertificateThatExpiredWhileNobodyLookedIsRenewedAtOnce(t *testing.T) {
	w := newWorld(t, 1)
	w.look(w.replicas[0])
	w.clock.Step(7 * time.Hour)
	k := w.add()
	w.look(k)
	if err := w.believes(k, w.bundle()); err != nil {
		t.Error(err)
	}
}

func TestABundleThatIsTakenAwayComesBack(t *testing.T) {
	w := newWorld(t, 1)
	w.look(w.replicas[0])
	patch := client.RawPatch(types.JSONPatchType, []byte(`[{"op":"remove","path":"/webhooks/0/clientConfig/caBundle"}]`))
	if err := w.client.Patch(t.Context(), &admissionregistration.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "gitonly"}}, patch); err != nil {
		t.Fatal(err)
	}
	w.look(w.replicas[0])
	if err := w.believes(w.replicas[0], w.bundle()); err != nil {
		t.Error(err)
	}
}

func TestSecretsThatAreNotToBeUsed(t *testing.T) {
	secret := func(labels, data map[string]string) *corev1.Secret {
		s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: secretName.Namespace, Name: secretName.Name, Labels: labels}, Data: map[string][]byte{}}
		for key, value := range data {
			s.Data[key] = []byte(value)
		}
		return s
	}
	for _, test := range []struct {
		name   string
		secret *corev1.Secret
		want   string
	}{
		{"another's", secret(nil, map[string]string{"tls.crt": "x"}),
			"reading Secret gitonly-system/gitonly-certificate: it isn't gitonly's, as its label app.kubernetes.io/managed-by would say: give --cert-secret another name, or empty it"},
		{"a broken one", secret(map[string]string{"app.kubernetes.io/managed-by": "gitonly"}, map[string]string{"tls.crt": "x"}),
			"reading Secret gitonly-system/gitonly-certificate: tls.crt and tls.key: tls: failed to find any PEM data in certificate input: empty it to have new ones made"},
		{"an empty one is filled", secret(nil, nil), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, 1, test.secret)
			err := w.replicas[0].Look(t.Context())
			if test.want == "" {
				if err == nil {
					err = w.believes(w.replicas[0], w.bundle())
				}
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || err.Error() != test.want {
				t.Errorf("error: %v\nwant %s", err, test.want)
			}
		})
	}
}
