package breakglass

import (
	"fmt"
	"hash/fnv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/utils/clock"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// Events takes note of something that happened to an object.
type Events interface {
	Eventf(regarding, related runtime.Object, eventtype, reason, action, note string, args ...any)
}

// Teller says what happens in emergencies, as Events of the object and as
// metrics.
type Teller struct {
	events   Events
	refusals flowcontrol.PassiveRateLimiter // of their Events
	requests *prometheus.CounterVec
	census   atomic.Pointer[census] // nil before the first
	clock    clock.PassiveClock
}

// census is what was open when the leader last looked.
type census struct {
	at     time.Time
	open   int
	oldest time.Time // when it began; zero if none is open
}

// censusAge is how long a census counts. The leader takes one every few seconds
// while any emergency is open, and at the latest after the longest pause that
// follows errors; a replica that doesn't lead any more takes none.
const censusAge = 20 * time.Minute

// NewTeller tells events, and registers its metrics.
func NewTeller(events Events, registry prometheus.Registerer) (*Teller, error) {
	t := &Teller{
		events: events, clock: clock.RealClock{}, refusals: admission.LimitEvents(clock.RealClock{}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gitonly_break_glass_requests_total",
			Help: "Requests that had to do with an emergency, by reason of their verdict; dry runs aside.",
		}, []string{"reason"}),
	}
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "gitonly_break_glass_open",
		Help: "Emergencies that are open. Only the leading replica counts them.",
	}, func() float64 { return float64(t.counted().open) })
	oldest := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "gitonly_break_glass_oldest_timestamp_seconds",
		Help: "When the oldest emergency that is open began; 0 if none is. Only the leading replica says it.",
	}, func() float64 {
		if began := t.counted().oldest; !began.IsZero() {
			return float64(began.Unix())
		}
		return 0
	})
	for _, collector := range []prometheus.Collector{t.requests, open, oldest} {
		if err := registry.Register(collector); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return t, nil
}

// counted is the last census that counts still.
func (t *Teller) counted() census {
	last := t.census.Load()
	if last == nil || t.clock.Since(last.at) > censusAge {
		return census{}
	}
	return *last
}

// tell says what a verdict did. open is the emergency that it is part of; nil if
// it opens one.
func (t *Teller) tell(entry admission.Entry, open *policy.Emergency) {
	v := &entry.Verdict
	t.requests.WithLabelValues(string(v.Reason)).Inc()
	kind, said := corev1.EventTypeWarning, ""
	switch v.Reason {
	case policy.BreakGlassOpened:
		terms := v.Emergency.Terms
		said = fmt.Sprintf("%s broke the glass until %s: %s", entry.By.Name, terms.Until.UTC().Format(time.RFC3339), terms.Reason)
		if terms.Approvers > 0 {
			said = fmt.Sprintf("%s asks to break the glass until %s, if others agree: %s", entry.By.Name, terms.Until.UTC().Format(time.RFC3339), terms.Reason)
		}
	case policy.BreakGlassApproved:
		said = fmt.Sprintf("%s agreed to BreakGlass %s, which %s asked for.", entry.By.Name, open.Name, open.AskedBy)
	case policy.BreakGlassEnded:
		kind, said = corev1.EventTypeNormal, fmt.Sprintf("%s ended the emergency.", entry.By.Name)
	case policy.BreakGlassUsed:
		said = fmt.Sprintf("%s departed from Git by %s, as %s permits%s.", entry.By.Name, entry.Operation, nameOr(open.Name), where(v.Differences))
	case policy.BreakGlassRefused:
		said = fmt.Sprintf("%s may not break the glass, or not like this.", entry.By.Name)
	case policy.Held:
		said = fmt.Sprintf("BreakGlass %s kept %s from taking back what was changed.", open.Name, entry.By.Name)
	}
	if v.Outcome == policy.Deny && !t.refusals.TryAccept() {
		return // it is counted, and in the log
	}
	record := ""
	if open != nil {
		record = open.Name
	}
	t.say(entry.Key, entry.Version, entry.UID, record, kind, string(v.Reason), string(entry.Operation), said)
}

// where names the fields of differences; none where there are none.
func where(differences []fields.Difference) string {
	const shown = 5
	var paths []string
	for i, d := range differences {
		if i == shown {
			paths = append(paths, fmt.Sprintf("and %d more", len(differences)-shown))
			break
		}
		paths = append(paths, d.Path)
	}
	if len(paths) == 0 {
		return ""
	}
	return ": " + strings.Join(paths, ", ")
}

// nameOr names a record, or what stands for it where none can be read.
func nameOr(name string) string {
	if name == "" {
		return "an annotation"
	}
	return "BreakGlass " + name
}

// say makes an Event of an object and the record, if there is one. One that is of
// the same two, and says the same, is counted as that: so the text is in the key.
func (t *Teller) say(key gitindex.Key, version string, uid types.UID, record, kind, reason, action, said string) {
	regarding := &corev1.ObjectReference{APIVersion: kschema.GroupVersion{Group: key.Group, Version: version}.String(), Kind: key.Kind, Namespace: key.Namespace, Name: key.Name, UID: uid}
	text := fnv.New32a()
	_, _ = text.Write([]byte(said)) // it never errs
	related := &corev1.ObjectReference{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.BreakGlassKind, Name: record, FieldPath: fmt.Sprintf("%x", text.Sum32()),
	}
	t.events.Eventf(regarding, related, kind, reason, action, "%s", said)
}
