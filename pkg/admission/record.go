package admission

import (
	"maps"
	"strconv"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

// record counts a verdict, and writes it to the log in one line if it isn't a
// plain Allow. Values of fields are left out: the log is no place for them.
func (h *Handler) record(review *admissionv1.AdmissionRequest, v policy.Verdict) {
	h.Meter.Decided(v, policy.Operation(review.Operation))
	if v.Outcome == policy.Allow && v.Emergency == nil {
		return
	}
	said := []any{
		"outcome", v.Outcome.String(),
		"reason", v.Reason,
		"policy", v.Policy,
		"mode", v.Mode,
		"actor", v.Actor,
		"user", review.UserInfo.Username,
		"operation", review.Operation,
		"group", review.Resource.Group,
		"resource", review.Resource.Resource,
		"subresource", review.SubResource,
		"namespace", review.Namespace,
		"name", review.Name,
		"uid", review.UID,
	}
	if review.DryRun != nil && *review.DryRun {
		said = append(said, "dryRun", true)
	}
	if v.Declared != nil {
		said = append(said, "source", v.Declared.Origin.Source, "revision", v.Declared.Origin.Revision.Short(), "path", v.Declared.Origin.Path)
	}
	if len(v.Differences) > 0 {
		said = append(said, "fields", changedFields(v))
	}
	for name, value := range emergencyOf(v) {
		said = append(said, name, value)
	}
	if v.Reason == policy.Undecidable {
		said = append(said, "message", v.Message) // it has no values in it
	}
	h.Log.Info("verdict", said...)
}

func changedFields(v policy.Verdict) []string {
	paths := make([]string, len(v.Differences))
	for i, d := range v.Differences {
		paths[i] = d.Path
	}
	return paths
}

// auditAnnotations go to the API server's audit log, each under the webhook's
// name.
func auditAnnotations(v policy.Verdict) map[string]string {
	annotations := map[string]string{
		"outcome": v.Outcome.String(),
		"reason":  string(v.Reason),
		"policy":  v.Policy,
	}
	if v.Declared != nil {
		annotations["source"] = v.Declared.Origin.Source
		annotations["revision"] = v.Declared.Origin.Revision.Short()
	}
	if len(v.Differences) > 0 {
		annotations["fields"] = strings.Join(changedFields(v), " ")
	}
	maps.Copy(annotations, emergencyOf(v))
	return annotations
}

// emergencyOf is what there is to record of an emergency.
func emergencyOf(v policy.Verdict) map[string]string {
	all := map[string]string{}
	use := v.Emergency
	if use == nil {
		return all
	}
	if e := use.Emergency; e != nil {
		all["breakGlass"], all["breakGlassReason"], all["breakGlassUntil"] = e.Name, e.Reason, e.Until.UTC().Format(time.RFC3339)
	}
	if use.Terms != nil {
		all["breakGlassReason"], all["breakGlassUntil"] = use.Terms.Reason, use.Terms.Until.UTC().Format(time.RFC3339)
	}
	if use.Terms != nil && use.Terms.Approvers > 0 {
		all["breakGlassApprovers"] = strconv.Itoa(use.Terms.Approvers)
	}
	if use.Without != "" {
		all["without"] = string(use.Without)
	}
	return all
}

// warningBytes keeps a response's warnings below what the API server passes on
// unshortened: 4,096 bytes for all webhooks together.
const warningBytes = 3000

// warnings say a verdict that lets the request pass: one a line of the message,
// as a warning can't have several. kubectl prints alike warnings of several
// objects once, so where it would be refused each line names its object: key's,
// if that is known.
// The last line says what to do: others give way to it.
func warnings(key gitindex.Key, v policy.Verdict) []string {
	all := strings.Split(v.Message, "\n")
	name := ""
	if v.Outcome == policy.Warn && key.Kind != "" {
		name = "  " + key.String() + ": "
		for i := range all[1:] {
			all[i+1] = name + strings.TrimSpace(all[i+1])
		}
	}
	last := all[len(all)-1]
	var lines []string
	total := len(last)
	for _, line := range all[:len(all)-1] {
		if total += len(line); total > warningBytes {
			lines = append(lines, name+"… and more: see the audit log")
			break
		}
		lines = append(lines, line)
	}
	return append(lines, last)
}
