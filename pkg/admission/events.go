package admission

import (
	"cmp"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/utils/clock"

	"gitonly.dev/gitonly/pkg/policy"
)

// Events takes note of something that happened to an object, without making
// anybody wait. Alike ones make one Event, which counts them, unless minutes
// pass between them.
type Events interface {
	Eventf(regarding, related runtime.Object, eventtype, reason, action, note string, args ...any)
}

// A replica begins so many Events of refusals at once, and one a second. What
// goes on is only counted.
const (
	eventBurst  = 50
	eventRate   = 1
	eventSeries = 5 * time.Minute // client-go ends a series after 6
)

// announcer tells events of refusals.
type announcer struct {
	events Events // nil where nobody is told
	clock  clock.PassiveClock
	begin  flowcontrol.PassiveRateLimiter

	mu   sync.Mutex
	told map[refusal]time.Time // when last
}

// refusal is what makes Events alike.
type refusal struct {
	object         corev1.ObjectReference
	reason, action string
}

func newAnnouncer(events Events, clock clock.PassiveClock) *announcer {
	return &announcer{
		events: events, clock: clock, told: map[refusal]time.Time{},
		begin: LimitEvents(clock),
	}
}

// LimitEvents bounds how many Events of refusals are begun.
func LimitEvents(clock clock.PassiveClock) flowcontrol.PassiveRateLimiter {
	return flowcontrol.NewTokenBucketPassiveRateLimiterWithClock(eventRate, eventBurst, clock)
}

// tell makes an Event of a request that is refused, or would be but for Audit
// mode. Emergencies have their own, and what can't be decided is no fault of the
// object.
func (a *announcer) tell(request *policy.Request, v policy.Verdict) {
	if a.events == nil || request.DryRun || v.Outcome == policy.Allow || v.Emergency != nil || v.Reason == policy.Undecidable {
		return
	}
	action := "Refuse"
	if wouldBeRefused(v) {
		action = "Warn"
	}
	r := refusal{object: regarding(request, v.Outcome), reason: string(v.Reason), action: action}
	if !a.may(r) {
		return
	}
	a.events.Eventf(&r.object, nil, corev1.EventTypeWarning, r.reason, action, "%s", note(request, v))
}

// wouldBeRefused reports whether only Audit mode let a request pass.
func wouldBeRefused(v policy.Verdict) bool {
	return v.Outcome == policy.Warn && v.Emergency == nil && v.Reason != policy.Undecidable
}

// regarding names the object. One whose creation is refused has no UID: it would
// have another one at each try.
func regarding(request *policy.Request, outcome policy.Outcome) corev1.ObjectReference {
	uid := uidOf(request.OldObject)
	if outcome != policy.Deny {
		uid = cmp.Or(uid, uidOf(request.Object))
	}
	return corev1.ObjectReference{
		APIVersion: kschema.GroupVersion{Group: request.Key.Group, Version: request.Version}.String(),
		Kind:       request.Key.Kind, Namespace: request.Key.Namespace, Name: request.Key.Name, UID: uid,
	}
}

// may reports whether there may be an Event: whoever is refused again and again,
// of one object or of ever new ones, must not fill the cluster with them.
func (a *announcer) may(r refusal) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock.Now()
	if last, ok := a.told[r]; !ok || now.Sub(last) > eventSeries {
		if !a.begin.TryAccept() {
			return false
		}
		maps.DeleteFunc(a.told, func(_ refusal, last time.Time) bool { return now.Sub(last) > eventSeries })
	}
	a.told[r] = now
	return true
}

// noteBytes is how long an Event's text may be.
const noteBytes = 1024

// note says who did what, and where Git says otherwise; as in the log, without
// values.
func note(request *policy.Request, v policy.Verdict) string {
	said := "Refused"
	if wouldBeRefused(v) {
		said = "Would be refused, but for Audit mode"
	}
	operation := string(request.Operation)
	if request.Subresource != "" {
		operation += " of " + request.Subresource
	}
	text := fmt.Sprintf("%s: %s by %s", said, operation, request.User.Name)
	if len(v.Differences) > 0 {
		text += ", in " + strings.Join(changedFields(v), ", ")
	}
	text += "."
	if d := v.Declared; d != nil {
		place := fmt.Sprintf("%s at %s", d.Origin.Path, d.Origin.Revision.Short())
		if d.Recorded {
			place = d.Origin.Source
		}
		text = cut(text, noteBytes/2)
		if d.Key == request.Key {
			text += fmt.Sprintf(" Declared in %s.", place)
		} else {
			text += fmt.Sprintf(" It comes from %s, declared in %s.", d.Key, place)
		}
	}
	return cut(text, noteBytes)
}

// cut shortens a text to so many bytes.
func cut(text string, bytes int) string {
	if len(text) <= bytes {
		return text
	}
	return strings.ToValidUTF8(text[:bytes-len("…")], "") + "…"
}
