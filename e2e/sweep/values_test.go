package sweep

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/structured-merge-diff/v6/schema"
)

// most is how many values are tried for a field before it counts as one that
// the API server doesn't let change.
const most = 20

// words are values that fields of a name accept, as far as guessing from the
// old value doesn't find any.
var words = map[string][]any{
	"accessModes":                   {"ReadWriteMany", "ReadOnlyMany", "ReadWriteOnce"},
	"action":                        {"Ignore", "Count", "FailJob"},
	"add":                           {"SYS_TIME"},
	"addresses":                     {"192.0.2.77"},
	"allocationMode":                {"All", "ExactCount"},
	"appProtocol":                   {"https", "http"},
	"color":                         {"green", "blue"},
	"completionMode":                {"NonIndexed", "Indexed"},
	"concurrencyPolicy":             {"Replace", "Allow"},
	"dnsPolicy":                     {"Default", "None", "ClusterFirst"},
	"drop":                          {"SYS_TIME", "NET_RAW"},
	"effect":                        {"PreferNoSchedule", "NoExecute", "NoSchedule"},
	"externalTrafficPolicy":         {"Cluster", "Local"},
	"failurePolicy":                 {"Fail", "Ignore"},
	"fieldPath":                     {"metadata.namespace", "metadata.uid", "metadata.annotations"},
	"finalizers":                    {"example.com/sweep"},
	"fsGroupChangePolicy":           {"Always", "OnRootMismatch"},
	"fsGroupPolicy":                 {"None", "File"},
	"imagePullPolicy":               {"Never", "IfNotPresent", "Always"},
	"internalTrafficPolicy":         {"Local", "Cluster"},
	"ip":                            {"10.9.9.9"},
	"ipFamilies":                    {"IPv4"},
	"ipFamilyPolicy":                {"SingleStack", "PreferDualStack"},
	"kind":                          {"User", "ClusterRole", "Role", "ReplicaSet", "ServiceAccount"},
	"medium":                        {"Memory", "HugePages", ""},
	"mountPropagation":              {"HostToContainer", "Bidirectional", "None"},
	"operations":                    {"UPDATE", "DELETE"},
	"operator":                      {"NotIn", "Exists", "DoesNotExist", "Equal", "In", "Gt"},
	"pathType":                      {"ImplementationSpecific", "Prefix", "Exact"},
	"persistentVolumeReclaimPolicy": {"Delete", "Retain"},
	"podReplacementPolicy":          {"TerminatingOrFailed"},
	"policyTypes":                   {"Ingress", "Egress"},
	"preemptionPolicy":              {"PreemptLowerPriority", "Never"},
	"protocol":                      {"UDP", "SCTP", "TCP"},
	"reason":                        {"Invalid", "Forbidden"},
	"resource":                      {"requests.memory", "requests.cpu", "limits.memory", "memory"},
	"resourceName":                  {"memory", "cpu"},
	"restartPolicy":                 {"Always", "OnFailure", "Never", "RestartContainer"},
	"schedule":                      {"0 4 * * *"},
	"scheme":                        {"HTTP", "HTTPS"},
	"scope":                         {"Cluster", "Namespaced", "*"},
	"scopeName":                     {"BestEffort", "Terminating", "PriorityClass"},
	"scopes":                        {"Terminating", "BestEffort"},
	"seLinuxChangePolicy":           {"MountOption", "Recursive"},
	"selectPolicy":                  {"Max", "Disabled"},
	"sessionAffinity":               {"ClientIP", "None"},
	"sideEffects":                   {"NoneOnDryRun", "None"},
	"status":                        {"False", "Unknown"},
	"supplementalGroupsPolicy":      {"Strict", "Merge"},
	"terminationMessagePolicy":      {"File", "FallbackToLogsOnError"},
	"timeZone":                      {"Europe/Paris"},
	"type": {
		"Recreate", "OnDelete", "ClusterIP", "NodePort", "Unconfined", "RuntimeDefault", "File", "Directory", "Value", "AverageValue",
		"Utilization", "Pods", "Percent", "ByNamespace", "Reject", "string", "integer", "Pod", "Container", "Disk",
	},
	"unhealthyPodEvictionPolicy": {"IfHealthyBudget", "AlwaysAllow"},
	"usages":                     {"server auth", "key encipherment"},
	"validationActions":          {"Warn", "Deny"},
	"verbs":                      {"watch", "delete"},
	"volumeLifecycleModes":       {"Ephemeral"},
	"whenDeleted":                {"Retain", "Delete"},
	"whenScaled":                 {"Delete", "Retain"},
	"whenUnsatisfiable":          {"DoNotSchedule", "ScheduleAnyway"},

	"affinity":                  {map[string]any{"podAffinity": map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": []any{map[string]any{"topologyKey": "zone", "labelSelector": map[string]any{}}}}}},
	"containers":                {[]any{map[string]any{"name": "sweep", "image": "sweep"}}},
	"divisor":                   {"1", "1m", "1Mi"},
	"dnsConfig":                 {map[string]any{"searches": []any{"sweep.example.com"}}},
	"env":                       {[]any{map[string]any{"name": "SWEEP", "value": "x"}}},
	"envFrom":                   {[]any{map[string]any{"configMapRef": map[string]any{"name": "sweep"}}}},
	"exec":                      {map[string]any{"command": []any{"true"}}},
	"initContainers":            {[]any{map[string]any{"name": "sweep", "image": "sweep"}}},
	"lifecycle":                 {map[string]any{"preStop": map[string]any{"exec": map[string]any{"command": []any{"true"}}}}},
	"livenessProbe":             {map[string]any{"exec": map[string]any{"command": []any{"true"}}}},
	"readinessProbe":            {map[string]any{"exec": map[string]any{"command": []any{"true"}}}},
	"startupProbe":              {map[string]any{"exec": map[string]any{"command": []any{"true"}}}},
	"ownerReferences":           {[]any{map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "name": "sweep", "uid": "7d6f5a0e-0000-4000-8000-000000000000"}}},
	"ports":                     {[]any{map[string]any{"containerPort": int64(7777)}}, []any{map[string]any{"port": int64(7777)}}},
	"resources":                 {map[string]any{"limits": map[string]any{"cpu": "7"}}, map[string]any{"requests": map[string]any{"storage": "7Gi"}}},
	"tolerations":               {[]any{map[string]any{"key": "sweep", "operator": "Exists"}}},
	"topologySpreadConstraints": {[]any{map[string]any{"maxSkew": int64(1), "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}}},
	"volumeClaimTemplates":      {[]any{map[string]any{"metadata": map[string]any{"name": "sweep"}, "spec": map[string]any{"accessModes": []any{"ReadWriteOnce"}, "resources": map[string]any{"requests": map[string]any{"storage": "1Gi"}}}}}},
	"volumeDevices":             {[]any{map[string]any{"name": "claim", "devicePath": "/dev/sweep"}}},
	"volumeMounts":              {[]any{map[string]any{"name": "scratch", "mountPath": "/sweep"}}, []any{map[string]any{"name": "tmp", "mountPath": "/sweep"}}},
	"volumes":                   {[]any{map[string]any{"name": "sweep", "emptyDir": map[string]any{}}}},
}

var (
	address  = regexp.MustCompile(`^(\d+\.\d+\.\d+\.)(\d+)(/\d+)?$`)
	quantity = regexp.MustCompile(`^\d+(\.\d+)?([eE]\d+|[mkKMGT]i?)?$`)
)

// others are values in the place of old, the likeliest to be accepted first.
func others(f field, old any) []any {
	var all []any
	switch v := old.(type) {
	case bool:
		all = []any{!v}
	case int64:
		all = []any{v + 1, v - 1, v * 2, v + 64, int64(0), int64(2), "30%", "sweep"}
	case float64:
		all = []any{v * 2, v + 0.5}
	case string:
		all = append(slices.Clone(words[f.name()]), otherTexts(v)...)
	}
	return distinct(all, old)
}

func otherTexts(old string) []any {
	switch {
	case old == "true":
		return []any{"false"}
	case old == "false":
		return []any{"true"}
	case quantity.MatchString(old):
		amount := resource.MustParse(old)
		doubled := amount.DeepCopy()
		doubled.Add(amount)
		half := resource.NewMilliQuantity(amount.MilliValue()/2, amount.Format)
		return []any{doubled.String(), half.String(), old + "x", int64(7)}
	case strings.HasSuffix(old, "%"):
		return []any{"33%", "44%", int64(1)}
	}
	var all []any
	if m := address.FindStringSubmatch(old); m != nil {
		all = append(all, m[1]+"99"+m[3], m[1]+"128/25", "10.77.0.0/16", "172.16.0.0/12")
	}
	return append(all, old+"x", "x"+old, "x."+old, old+"/x", strings.ToUpper(old), "", "sweep", "Sweep", "example.com/sweep", int64(7))
}

func distinct(all []any, old any) []any {
	var kept []any
	seen := map[string]bool{fmt.Sprint(old): true}
	for _, value := range all {
		if text := fmt.Sprint(value); !seen[text] {
			seen[text] = true
			kept = append(kept, value)
		}
	}
	return kept[:min(len(kept), most)]
}

// made are values for a field that isn't there, by its type.
func (t *types) made(f field, ref schema.TypeRef, depth int) []any {
	if depth > 3 {
		return nil
	}
	atom := t.atom(ref)
	if atom.Scalar != nil {
		atom.Map, atom.List = nil, nil // anything goes
	}
	all := slices.Clone(words[f.name()])
	switch {
	case atom.Map != nil && len(atom.Map.Fields) == 0:
		for _, value := range t.made(f, atom.Map.ElementType, depth+1) {
			all = append(all, map[string]any{"sweep": value}, map[string]any{"example.com/sweep": value})
		}
	case atom.Map != nil:
		all = append(all, t.madeStructures(f, atom.Map, depth)...)
	case atom.List != nil:
		for i, value := range all { // words of a list's name are items where they aren't lists
			if _, whole := value.([]any); !whole {
				all[i] = []any{value}
			}
		}
		for _, value := range t.made(f, atom.List.ElementType, depth+1) {
			if _, whole := value.([]any); !whole {
				all = append(all, []any{value})
			}
		}
	case atom.Scalar != nil && *atom.Scalar == schema.Numeric:
		all = append(all, int64(1), int64(2), int64(7), int64(30007), int64(100))
	case atom.Scalar != nil && *atom.Scalar == schema.Boolean:
		all = append(all, true, false)
	default:
		all = append(all, "sweep", "1", int64(7), "c3dlZXA=", "10.9.9.9", "example.com/sweep", "/sweep", "Sweep", "10.9.0.0/16", "2026-01-01T00:00:00Z", true)
	}
	return distinct(all, nil)
}

// madeStructures are structures with one member, and with all simple ones.
func (t *types) madeStructures(f field, m *schema.Map, depth int) []any {
	simple := map[string]any{}
	var single []any
	for _, member := range m.Fields {
		values := t.made(f.with(member.Name), member.Type, depth+1)
		if len(values) == 0 {
			continue
		}
		single = append(single, map[string]any{member.Name: values[0]})
		if t.atom(member.Type).Scalar != nil {
			simple[member.Name] = values[0]
		}
	}
	return append([]any{simple}, append(single, map[string]any{})...)
}

// sibling is a field beside those that Git declares, with values to try.
type sibling struct {
	at     field
	values []any
}

// siblings are the fields that a structure may have and Git doesn't say, and
// one for a map with free keys.
func (t *types) siblings(at field, git map[string]any, ref schema.TypeRef) []sibling {
	var found []sibling
	m := t.atom(ref).Map
	if m == nil {
		return []sibling{{at.with("sweep"), []any{"sweep"}}}
	}
	if len(m.Fields) == 0 { // some want a qualified name, some can't have one
		values := t.made(at, m.ElementType, 0)
		return []sibling{{at.with("sweep"), values}, {at.with("example.com/sweep"), values}}
	}
	for _, member := range m.Fields {
		if _, ok := git[member.Name]; !ok {
			f := at.with(member.Name)
			found = append(found, sibling{f, t.made(f, member.Type, 0)})
		}
	}
	if m.ElementType != (schema.TypeRef{}) { // fields that the schema doesn't know are kept too
		f := at.with("sweep")
		found = append(found, sibling{f, t.made(f, m.ElementType, 0)})
	}
	return found
}
