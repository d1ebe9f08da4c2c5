// Package gitindex holds what Git declares: an immutable snapshot of all
// declared objects, and the loop that keeps it up to date.
package gitindex

import "strings"

// Key identifies an object in the cluster. It has no version: one object is
// served in many.
type Key struct {
	Group     string
	Kind      string
	Namespace string // empty for cluster-scoped objects
	Name      string
}

// String names the object as people do: "Deployment staging/guestbook",
// "ClusterRole viewer". The group is left out.
func (k Key) String() string {
	var b strings.Builder
	b.WriteString(k.Kind)
	b.WriteByte(' ')
	if k.Namespace != "" {
		b.WriteString(k.Namespace)
		b.WriteByte('/')
	}
	b.WriteString(k.Name)
	return b.String()
}
