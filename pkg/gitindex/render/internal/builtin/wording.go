package builtin

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	text        = "text"
	number      = "a number"
	wholeNumber = "a whole number"
	boolean     = "true or false"
	list        = "a list"
	mapping     = "a map"
)

// special are types that read themselves.
var special = map[reflect.Type]string{
	reflect.TypeFor[resource.Quantity]():  "a quantity, such as 500m or 1Gi",
	reflect.TypeFor[intstr.IntOrString](): "a whole number or text",
	reflect.TypeFor[metav1.Time]():        "a time, such as 2006-01-02T15:04:05Z",
	reflect.TypeFor[metav1.MicroTime]():   "a time, such as 2006-01-02T15:04:05.000000Z",
	reflect.TypeFor[metav1.Duration]():    "a duration, such as 1m30s",
}

// mistyped says what a value has to be, and what it is instead, if that is not
// just another of its kind.
func mistyped(t reflect.Type, value any) error {
	must, is := wanted(t), found(value)
	if must == is || must == "" {
		return fmt.Errorf("holds a value that %s can't have", t.Name())
	}
	complaint := fmt.Sprintf("has to be %s", must)
	if alike(t, is) {
		return errors.New(complaint)
	}
	return errors.New(complaint + ", and is " + is + remedy(must, value))
}

func wanted(t reflect.Type) string {
	if name, ok := special[t]; ok {
		return name
	}
	switch t.Kind() {
	case reflect.String:
		return text
	case reflect.Bool:
		return boolean
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return wholeNumber
	case reflect.Float32, reflect.Float64:
		return number
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "text in base64"
		}
		return list
	case reflect.Map, reflect.Struct:
		return mapping
	}
	return ""
}

func found(value any) string {
	switch value.(type) {
	case string:
		return text
	case json.Number:
		return number
	case bool:
		return boolean
	case []any:
		return list
	}
	return mapping
}

// alike reports whether it is the form of the value that is wrong: its type is
// one that the field takes.
func alike(t reflect.Type, is string) bool {
	if is == number {
		return wanted(t) == wholeNumber || special[t] != "" && t != reflect.TypeFor[metav1.Time]()
	}
	return is == text && (special[t] != "" || t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8)
}

func remedy(must string, value any) string {
	switch v := value.(type) {
	case json.Number, bool:
		if must == text {
			return ": put it in quotes"
		}
	case string:
		_, notNumber := strconv.ParseFloat(v, 64)
		_, notBool := strconv.ParseBool(v)
		switch {
		case strings.Contains(v, "${") || strings.Contains(v, "{{"):
			return ": a template has to be rendered first"
		case (must == wholeNumber || must == number) && notNumber == nil, must == boolean && notBool == nil:
			return ": take the quotes away"
		}
	}
	return ""
}
