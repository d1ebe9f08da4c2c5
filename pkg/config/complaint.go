package config

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

var (
	schemaPrefix = regexp.MustCompile(`^\S+ in body `)
	wrongType    = regexp.MustCompile(`^must be of type (\w+): "(\w+)"$`)
)

// describe puts a refusal in words. Values are left out, but for those of
// enumerations and of keys.
func describe(err *field.Error) string {
	detail := schemaPrefix.ReplaceAllString(err.Detail, "")
	if detail == "should be at least 1 chars long" || detail == "should have at least 1 items" {
		detail = "must not be empty"
	}
	switch err.Type {
	case field.ErrorTypeRequired:
		detail = cmp.Or(detail, "is required")
	case field.ErrorTypeNotSupported:
		detail = fmt.Sprintf("%q is not one of %s", err.BadValue, strings.TrimPrefix(detail, "supported values: "))
	case field.ErrorTypeDuplicate:
		detail = strings.TrimPrefix(err.ErrorBody(), string(err.Type)+": ")
		detail = "is listed twice: " + strings.TrimPrefix(detail, "Duplicate value: ")
	case field.ErrorTypeTypeInvalid:
		if m := wrongType.FindStringSubmatch(detail); m != nil {
			detail = mistyped(m[1], m[2])
			if err.Field == "spec.interval" {
				detail = "must be a duration with its unit, such as 1m: a bare number says nothing"
			}
		}
	}
	if err.Field == "" || err.Field == "<nil>" {
		return detail
	}
	return err.Field + ": " + detail
}

// mistyped says that a value is of one type and must be of another.
func mistyped(must, is string) string {
	complaint := fmt.Sprintf("must be of type %s, and is of type %s", must, is)
	if must == "string" && is != "object" && is != "array" {
		complaint += ": put it in quotes"
	}
	return complaint
}
