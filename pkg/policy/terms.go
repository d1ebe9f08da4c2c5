package policy

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
)

// Terms are what an annotation asks for.
type Terms struct {
	Reason string
	Until  time.Time
	Asked  bool // the annotation says until when
	Hold   bool

	Approvers int       // how many others have to agree
	Code      string    // by which they agree: that of the emergency, if they need not agree anew
	HeldUntil time.Time // until when the agent is held meanwhile; zero if it isn't
}

// glassRules is a policy's breakGlass, made ready for use.
type glassRules struct {
	max, usual time.Duration
	reason     *regexp.Regexp
	hold       bool
	approvers  int
	unrecorded v1alpha1.Action
	keep       time.Duration
	contact    string
}

func glassRulesOf(policy *v1alpha1.GuardPolicy) (glassRules, error) {
	spec := policy.Spec.BreakGlass
	reason, err := regexp.Compile(spec.ReasonPattern)
	if err != nil {
		return glassRules{}, fmt.Errorf("GuardPolicy %s: spec.breakGlass.reasonPattern: %w", policy.Name, err)
	}
	return glassRules{
		max:        spec.MaxDuration.Duration,
		usual:      spec.DefaultDuration.Duration,
		reason:     reason,
		hold:       *spec.HoldAgent,
		approvers:  int(spec.Approvers),
		unrecorded: spec.Unrecorded,
		keep:       spec.KeepRecords.Duration,
		contact:    spec.Contact,
	}, nil
}

// terms are those that an annotation asks for; the error says what is wrong with
// it, and what to do. open is the emergency that it changes, if any: together
// they may last no longer than one.
func (c *decision) terms(g *Guard, asked Annotation, open *Emergency) (Terms, error) {
	rules := &g.breakGlass
	from := c.req.At
	if open != nil {
		from = open.From
	}
	latest := from.Add(rules.max)
	terms := Terms{Reason: asked.Reason, Until: c.req.At.Add(rules.usual), Hold: rules.hold}
	switch {
	case rules.max <= 0:
		return terms, fmt.Errorf("GuardPolicy %s lets nobody (breakGlass.maxDuration: 0s)", g.name)
	case asked.Reason == "":
		return terms, errors.New("nobody says why: set " + v1alpha1.BreakGlassAnnotation + " to the reason")
	case !rules.reason.MatchString(asked.Reason):
		return terms, fmt.Errorf("the reason %q isn't one that GuardPolicy %s takes: it must match %s", asked.Reason, g.name, rules.reason)
	}
	if terms.Until.After(latest) {
		terms.Until = latest
	}
	if open != nil && asked.Stands(open) {
		terms.Until = open.Until
	}
	if asked.Until != "" {
		until, err := time.Parse(time.RFC3339, asked.Until)
		if err != nil {
			return terms, fmt.Errorf("%s says %q: write a time such as %s", v1alpha1.BreakGlassUntilAnnotation, asked.Until, moment(terms.Until))
		}
		terms.Until, terms.Asked = until, true
	}
	switch {
	case !terms.Until.After(c.req.At):
		return terms, fmt.Errorf("it would be over at %s, and it is %s now", moment(terms.Until), moment(c.req.At))
	case terms.Until.After(latest) && open != nil:
		return terms, fmt.Errorf("it began at %s and may last %s at most: take a time until %s", moment(from), span(rules.max), moment(latest))
	case terms.Until.After(latest):
		return terms, fmt.Errorf("it may last %s at most, until %s", span(rules.max), moment(latest))
	}
	terms.Approvers, terms.Code = rules.approvers, c.req.BreakGlass.Code
	if open != nil {
		terms.Approvers = max(rules.approvers, open.Approvers)
		terms.HeldUntil = open.HeldUntil
		if asked.Reason == open.Reason && !terms.Until.After(open.Until) {
			terms.Code = open.Code // whoever agreed to more agreed to this
		} else if terms.Approvers > 0 && g.missing(open) == 0 {
			terms.HeldUntil = open.Until
		}
		if terms.HeldUntil.After(terms.Until) {
			terms.HeldUntil = terms.Until
		}
	}
	return terms, nil
}

// moment is a time as annotations have it.
func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// span is a duration without its last zero units: 4h, 1h30m.
func span(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
