package fields

import (
	"slices"

	"sigs.k8s.io/structured-merge-diff/v6/schema"
)

// filledIn reports whether all that happens to a member is that it comes or
// goes with the value that the API server fills in by itself. Where a declared
// item returns, or another field makes the member apply or not, that is no
// change of the request's own.
func (t *Types) filledIn(in schema.TypeRef, name string, before, after map[string]any) bool {
	if t.served {
		return t.defaulted(in, name, before, after)
	}
	if in.NamedType == nil {
		return false
	}
	value := after[name]
	switch was := before[name]; {
	case was != nil && value != nil:
		return false
	case was != nil:
		value = was
	}
	if *in.NamedType == servicePort {
		switch name {
		case "nodePort": // the API server picks one
			return before == nil
		case "targetPort":
			return after != nil && equal(value, after["port"])
		}
	}
	return slices.ContainsFunc(defaults[*in.NamedType][name], func(known any) bool { return equal(known, value) })
}

// resets reports whether a member takes the one value that the API server fills
// in where nobody says any.
func (t *Types) resets(in schema.TypeRef, name string, after any) bool {
	if t.served {
		return t.defaulted(in, name, nil, map[string]any{name: after})
	}
	return in.NamedType != nil && len(defaults[*in.NamedType][name]) == 1 && equal(defaults[*in.NamedType][name][0], after)
}

const servicePort = "io.k8s.api.core.v1.ServicePort"

// defaults are the values that the API server fills in, by type and member:
// those of lists' items, of structures that depend on another field, and of
// what is compared as a whole, as only these come and go.
var defaults = map[string]map[string][]any{
	"io.k8s.api.core.v1.Container": {
		"imagePullPolicy":          {"Always", "IfNotPresent"}, // depends on the image's tag
		"resources":                {map[string]any{}},
		"terminationMessagePath":   {"/dev/termination-log"},
		"terminationMessagePolicy": {"File"},
	},
	"io.k8s.api.core.v1.Probe": {
		"failureThreshold": {int64(3)},
		"periodSeconds":    {int64(10)},
		"successThreshold": {int64(1)},
		"timeoutSeconds":   {int64(1)},
	},
	"io.k8s.api.core.v1.HTTPGetAction":                 {"path": {"/"}, "scheme": {"HTTP"}},
	"io.k8s.api.core.v1.GRPCAction":                    {"service": {""}},
	"io.k8s.api.core.v1.ObjectFieldSelector":           {"apiVersion": {"v1"}},
	"io.k8s.api.core.v1.Volume":                        {"emptyDir": {map[string]any{}}},
	"io.k8s.api.core.v1.ConfigMapVolumeSource":         {"defaultMode": {int64(0o644)}},
	"io.k8s.api.core.v1.SecretVolumeSource":            {"defaultMode": {int64(0o644)}},
	"io.k8s.api.core.v1.DownwardAPIVolumeSource":       {"defaultMode": {int64(0o644)}},
	"io.k8s.api.core.v1.ProjectedVolumeSource":         {"defaultMode": {int64(0o644)}},
	"io.k8s.api.core.v1.HostPathVolumeSource":          {"type": {""}},
	"io.k8s.api.core.v1.PersistentVolumeClaimSpec":     {"volumeMode": {"Filesystem"}},
	"io.k8s.api.core.v1.ServiceAccountTokenProjection": {"expirationSeconds": {int64(3600)}},
	"io.k8s.api.core.v1.ServiceSpec": {
		"allocateLoadBalancerNodePorts": {true},
		"externalTrafficPolicy":         {"Cluster"},
		"internalTrafficPolicy":         {"Cluster"},
		"sessionAffinityConfig":         {map[string]any{"clientIP": map[string]any{"timeoutSeconds": int64(10800)}}},
	},
	"io.k8s.api.apps.v1.DeploymentStrategy": {
		"rollingUpdate": {map[string]any{"maxSurge": "25%", "maxUnavailable": "25%"}},
	},
	"io.k8s.api.apps.v1.DaemonSetUpdateStrategy": {
		"rollingUpdate": {map[string]any{"maxSurge": int64(0), "maxUnavailable": int64(1)}},
	},
	"io.k8s.api.apps.v1.StatefulSetUpdateStrategy": {
		"rollingUpdate": {map[string]any{"partition": int64(0)}},
	},
}
