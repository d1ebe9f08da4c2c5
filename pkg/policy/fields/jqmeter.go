package fields

import (
	"context"
	"fmt"

	"github.com/itchyny/gojq"
)

// maxSteps is enough to look at each value of a large object.
const maxSteps = 1_000_000

// meter ends an evaluation after a number of steps, and so by no clock. gojq asks
// for Done in each; what costs more than a step is charged by calls that are put
// in front of it.
type meter struct {
	context.Context
	left   int
	widest int // how many members the largest map or list has
}

func (m *meter) Done() <-chan struct{} {
	if m.left--; m.left >= 0 {
		return nil
	}
	over := make(chan struct{})
	close(over)
	return over
}

func (m *meter) Err() error {
	if m.left < 0 {
		return fmt.Errorf("it takes more than %d steps", maxSteps)
	}
	return nil
}

// The calls that charge for what comes next. Both return what they are given.
const (
	chargeValue = "_charge_value" // for all of the value
	chargeWidth = "_charge_width" // for a list that is not looked at to its end
)

func (m *meter) value(v any, _ []any) any {
	m.left -= cost(v)
	return v
}

func (m *meter) width(v any, _ []any) any {
	m.left -= m.widest / 4
	return v
}

// charged is an expression whose results are charged for.
func charged(q *gojq.Query) *gojq.Query {
	return &gojq.Query{Left: q, Op: gojq.OpPipe, Right: call(chargeValue)}
}

func call(name string) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name}}}
}

// parenthesized puts an expression in parentheses.
func parenthesized(q *gojq.Query) *gojq.Term { return &gojq.Term{Type: gojq.TermTypeQuery, Query: q} }

// cost is about how long it takes to look at all of a value, in steps.
func cost(value any) int {
	switch v := value.(type) {
	case string:
		return len(v) / 16
	case map[string]any:
		sum := len(v)
		for _, member := range v {
			sum += cost(member)
		}
		return sum
	case []any:
		sum := len(v)
		for _, item := range v {
			sum += cost(item)
		}
		return sum
	}
	return 0
}

func widest(value any) int {
	most := 0
	switch v := value.(type) {
	case map[string]any:
		most = len(v)
		for _, member := range v {
			most = max(most, widest(member))
		}
	case []any:
		most = len(v)
		for _, item := range v {
			most = max(most, widest(item))
		}
	}
	return most
}
