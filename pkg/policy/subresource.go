package policy

import "gitonly.dev/gitonly/pkg/policy/fields"

// effect is what a write to a subresource does to the object.
type effect int

const (
	unknown effect = iota // not decided by any rule: refused on declared objects
	updates               // changes the object, or the part of it that is given
	deletes               // removes the object
	passive               // changes nothing that Git could declare
)

// subresource is how a subresource is decided.
type subresource struct {
	effect effect
	part   fields.Part
}

// effectOf is the table of subresources. docs/subresources.md explains it.
func effectOf(name string) subresource {
	switch name {
	case "scale":
		return subresource{updates, fields.Scale}
	case "status":
		return subresource{updates, fields.Status}
	case "ephemeralcontainers", "resize", "finalize":
		return subresource{updates, fields.Main}
	case "eviction":
		return subresource{deletes, fields.Main}
	// Not binding: it gives a Pod labels and annotations too, and schedulers are
	// system actors.
	case "approval", "token", "exec", "attach", "portforward", "proxy", "log":
		return subresource{effect: passive}
	}
	return subresource{}
}
