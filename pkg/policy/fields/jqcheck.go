package fields

import (
	"errors"
	"fmt"
	"slices"

	"github.com/itchyny/gojq"
)

// functions are those of jq that an expression may call, by how many arguments
// they take. Each ends after a number of steps that the object limits, and none
// makes what is larger than the object.
var functions = map[string][]int{
	"all": {0, 1, 2}, "any": {0, 1, 2}, "arrays": {0}, "ascii_downcase": {0}, "ascii_upcase": {0},
	"booleans": {0}, "contains": {1}, "empty": {0}, "endswith": {1}, "first": {0, 1}, "getpath": {1},
	"has": {1}, "IN": {1, 2}, "in": {1}, "inside": {1}, "isempty": {1}, "iterables": {0}, "keys": {0},
	"last": {0, 1}, "length": {0}, "ltrimstr": {1}, "map": {1}, "not": {0}, "nulls": {0}, "numbers": {0},
	"objects": {0}, "recurse": {0}, "rtrimstr": {1}, "scalars": {0}, "select": {1}, "startswith": {1},
	"strings": {0}, "test": {1, 2}, "to_entries": {0}, "tonumber": {0}, "tostring": {0}, "trim": {0},
	"type": {0}, "values": {0},
}

// constants are the functions whose argument must be a constant: they compare
// each item with each, or go as far as the argument says.
var constants = []string{"contains", "getpath", "inside"}

// Functions that look at all of what they are given, and those that may stop
// before the end of a list.
var (
	thorough = []string{"ascii_downcase", "ascii_upcase", "contains", "inside", "keys", "length", "test", "to_entries", "tonumber", "tostring", "trim"}
	hasty    = []string{"all", "any", "first", "IN", "isempty"}
)

// checkQuery says what in an expression isn't supported, and puts calls of the
// meter into it.
func checkQuery(q *gojq.Query) error {
	switch {
	case q == nil:
		return nil
	case q.Meta != nil || len(q.Imports) > 0:
		return errors.New("modules are not supported")
	case len(q.FuncDefs) > 0:
		return fmt.Errorf("defining a function (def %s) is not supported", q.FuncDefs[0].Name)
	case len(q.Patterns) > 0:
		return errors.New("variables (as) are not supported")
	case q.Term != nil:
		return checkTerm(q.Term)
	case q.Left == nil || q.Right == nil:
		return errors.New("it is empty")
	}
	if err := checkOperator(q); err != nil {
		return err
	}
	if err := checkAll(q.Left, q.Right); err != nil {
		return err
	}
	switch q.Op {
	case gojq.OpPipe, gojq.OpComma, gojq.OpAlt, gojq.OpAnd, gojq.OpOr:
	default:
		q.Left, q.Right = charged(q.Left), charged(q.Right)
	}
	return nil
}

func checkOperator(q *gojq.Query) error {
	switch q.Op {
	case gojq.OpPipe, gojq.OpComma, gojq.OpAlt, gojq.OpAnd, gojq.OpOr,
		gojq.OpEq, gojq.OpNe, gojq.OpLt, gojq.OpLe, gojq.OpGt, gojq.OpGe:
	case gojq.OpAdd, gojq.OpSub:
		if !isConstant(q.Left) && !isConstant(q.Right) { // or text doubles with each
			return fmt.Errorf("the operator %s is supported with a constant only", q.Op)
		}
	default:
		return fmt.Errorf("the operator %s is not supported", q.Op)
	}
	return nil
}

func checkAll(queries ...*gojq.Query) error {
	for _, q := range queries {
		if err := checkQuery(q); err != nil {
			return err
		}
	}
	return nil
}

func checkTerm(t *gojq.Term) error {
	if err := checkBare(t); err != nil {
		return err
	}
	for _, suffix := range t.SuffixList {
		if err := checkIndex(suffix.Index); err != nil {
			return err
		}
	}
	return nil
}

// checkBare checks a term but for what follows it.
func checkBare(t *gojq.Term) error {
	switch t.Type {
	case gojq.TermTypeIdentity, gojq.TermTypeRecurse, gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNumber:
		return nil
	case gojq.TermTypeIndex:
		return checkIndex(t.Index)
	case gojq.TermTypeFunc:
		return checkCall(t)
	case gojq.TermTypeArray, gojq.TermTypeObject:
		if !isConstantTerm(t) { // or it doubles with each
			return errors.New("arrays and objects are supported with constants in them only")
		}
		return nil
	case gojq.TermTypeUnary:
		return checkTerm(t.Unary.Term)
	case gojq.TermTypeString:
		return checkString(t.Str)
	case gojq.TermTypeIf:
		for _, elif := range t.If.Elif {
			if err := checkAll(elif.Cond, elif.Then); err != nil {
				return err
			}
		}
		return checkAll(t.If.Cond, t.If.Then, t.If.Else)
	case gojq.TermTypeTry:
		return checkAll(t.Try.Body, t.Try.Catch)
	case gojq.TermTypeQuery:
		return checkQuery(t.Query)
	case gojq.TermTypeFormat:
		return fmt.Errorf("the format %s is not supported", t.Format)
	case gojq.TermTypeReduce:
		return errors.New("reduce is not supported")
	case gojq.TermTypeForeach:
		return errors.New("foreach is not supported")
	}
	return errors.New("label and break are not supported")
}

func checkCall(t *gojq.Term) error {
	f := t.Func
	if !slices.Contains(functions[f.Name], len(f.Args)) {
		name := f.Name
		if len(f.Args) > 0 {
			name = fmt.Sprintf("%s/%d", f.Name, len(f.Args))
		}
		return fmt.Errorf("the function %s is not supported", name)
	}
	if slices.Contains(constants, f.Name) && !isConstant(f.Args[0]) {
		return fmt.Errorf("the function %s is supported with a constant only", f.Name)
	}
	if err := checkAll(f.Args...); err != nil {
		return err
	}
	charge := ""
	switch {
	case slices.Contains(thorough, f.Name):
		charge = chargeValue
	case slices.Contains(hasty, f.Name):
		charge = chargeWidth
	}
	if charge != "" {
		called := &gojq.Query{Left: call(charge), Op: gojq.OpPipe, Right: &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: f}}}
		*t = gojq.Term{Type: gojq.TermTypeQuery, Query: called, SuffixList: t.SuffixList}
	}
	return nil
}

func checkIndex(index *gojq.Index) error {
	if index == nil {
		return nil
	}
	if err := checkString(index.Str); err != nil {
		return err
	}
	return checkAll(index.Start, index.End)
}

// checkString checks text, which may hold what else is in the object once.
func checkString(s *gojq.String) error {
	if s == nil {
		return nil
	}
	inserted := 0
	for _, q := range s.Queries {
		if !isConstant(q) {
			inserted++
		}
	}
	if inserted > 1 {
		return errors.New("text is supported with one value in it only")
	}
	if err := checkAll(s.Queries...); err != nil {
		return err
	}
	for i, q := range s.Queries {
		if !isConstant(q) {
			s.Queries[i] = &gojq.Query{Term: parenthesized(charged(q))}
		}
	}
	return nil
}

// isConstant reports whether an expression is the same for each object, and as
// large as it is written.
func isConstant(q *gojq.Query) bool {
	switch {
	case q == nil || q.Meta != nil || len(q.Imports)+len(q.FuncDefs)+len(q.Patterns) > 0:
		return false
	case q.Term != nil:
		return isConstantTerm(q.Term)
	}
	return q.Op == gojq.OpComma && isConstant(q.Left) && isConstant(q.Right)
}

func isConstantTerm(t *gojq.Term) bool {
	if len(t.SuffixList) > 0 {
		return false
	}
	switch t.Type {
	case gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNumber:
		return true
	case gojq.TermTypeString:
		return len(t.Str.Queries) == 0
	case gojq.TermTypeUnary:
		return isConstantTerm(t.Unary.Term)
	case gojq.TermTypeQuery:
		return isConstant(t.Query)
	case gojq.TermTypeArray:
		return t.Array.Query == nil || isConstant(t.Array.Query)
	case gojq.TermTypeObject:
		return !slices.ContainsFunc(t.Object.KeyVals, func(member *gojq.ObjectKeyVal) bool {
			return member.KeyQuery != nil || (member.KeyString != nil && len(member.KeyString.Queries) > 0) || !isConstant(member.Val)
		})
	}
	return false
}
