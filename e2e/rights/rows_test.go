package rights_test

import (
	"fmt"
	"strings"
)

const (
	leaderless = "no status is written, and no emergency closed"
	dana       = "developer"
)

var ownCertificate = []string{"--cert-secret=$RELEASE-tls", "--service=$RELEASE"}

// emergencyRows are about what happens in an emergency.
func emergencyRows() []row {
	glass := func(resource, verbs string) right { return right{own, gitonlyDev, resource, "", verbs} }
	const openStill = "the emergency of such an object isn't ended by Git's catching up, nor with the object"
	const unwritten = "what is done in an emergency isn't recorded, and the agent not held"
	return []row{
		{right: view, lane: main, fails: "emergencies aren't ended by Git's catching up, and what belongs to a custom controller's object is undecidable",
			in: status, says: "What departs from Git can't be told: reading …", before: opened("seen"), act: departed("seen")},
		{right: right{own, gitonlyDev, "gitsources", "", "get"}, lane: main, fails: openStill,
			in: status, says: "What departs from Git can't be told: reading GitSource …", act: changedInEmergency("GitSource", "gitsources", "infra", `"interval":"2h"`)},
		{right: right{own, gitonlyDev, "guardpolicies", "", "get"}, lane: main, fails: openStill,
			in: status, says: "What departs from Git can't be told: reading GuardPolicy …", act: changedInEmergency("GuardPolicy", "guardpolicies", "shop", `"mode":"Off"`)},
		{right: right{own, "authorization.k8s.io", "subjectaccessreviews", "", "create"}, lane: main, fails: "nobody can break the glass",
			in: answer, says: "asking the API server whether … may: creating a SubjectAccessReview", act: annotated("asked", "INC-1 gateway down")},
		{right: glass("breakglasses", "list watch"), lane: main, fails: "an annotation alone makes an emergency for who has the right, and none is closed",
			in: inLog, says: "reading the records of emergencies", before: opened("listed"), act: departed("listed")},
		{right: glass("breakglasses", "create"), lane: main, fails: unwritten,
			in: answer, says: "but the record can't be written: creating BreakGlass …", act: annotated("created", "INC-1 gateway down")},
		{right: glass("breakglasses", "get"), lane: main, fails: unwritten,
			in: answer, says: "but the record can't be written: writing the status of BreakGlass …", act: annotated("read", "INC-1 gateway down")},
		{right: glass("breakglasses/status", "update"), lane: main, fails: unwritten,
			in: answer, says: "but the record can't be written: writing the status of BreakGlass …", act: annotated("used", "INC-1 gateway down")},
		{right: glass("breakglasses", "update"), lane: main, fails: "new terms of an emergency don't count",
			in: answer, says: "but the record can't be written: changing BreakGlass …", before: opened("changed"), act: annotated("changed", "INC-2 the database too")},
		{right: glass("breakglasses", "delete"), lane: main, fails: "old records stay for good",
			in: inLog, says: "removing BreakGlass …", act: applying(oldRecord), after: oldRecord},
		{right: right{own, "", "namespaces", "", "get"}, lane: main, fails: "an emergency of a Namespace counts a moment later only",
			in: inLog, says: "looking for the annotation that breaks the glass", act: departed("looked-for")},
	}
}

// reportRows are about one of the two kinds of PolicyReports. There is none of
// them at first.
func reportRows(resource, lane string) []row {
	var all []row
	of := func(verb, lane, object string, before func(*process)) {
		all = append(all, row{
			right: right{own, "wgpolicyk8s.io", resource, "", verb}, lane: lane, args: []string{"--policy-reports"},
			fails: "reports don't say what departs from Git", in: inLog, says: "PolicyReports are not up to date",
			before: before, act: departing(resource, object),
		})
	}
	of("get", "", "first", nil)
	of("create", lane, "second", nil)
	of("update", lane, "third", reported(resource))
	return all
}

// agentRows are about what gitonly reads of Argo CD and Flux.
func agentRows() []row {
	var all []row
	for _, kind := range []struct{ group, resource string }{
		{"argoproj.io", "applications"}, {"argoproj.io", "appprojects"},
		{"kustomize.toolkit.fluxcd.io", "kustomizations"}, {"helm.toolkit.fluxcd.io", "helmreleases"},
		{"source.toolkit.fluxcd.io", "gitrepositories"}, {"source.toolkit.fluxcd.io", "ocirepositories"}, {"source.toolkit.fluxcd.io", "helmrepositories"},
		{"source.toolkit.fluxcd.io", "helmcharts"}, {"source.toolkit.fluxcd.io", "buckets"}, {"source.toolkit.fluxcd.io", "externalartifacts"},
		{"apps", "deployments"}, {"apps", "statefulsets"},
	} {
		all = append(all, row{
			right: right{own, kind.group, kind.resource, "", "list watch"}, fails: "the agent's sources and identities are unknown, and what nobody declares is undecidable",
			in: inLog, says: "reading objects of kind …: they could not be listed yet",
		})
	}
	const unfound = "the agent's sources stay as they were last found"
	look := annotating("gitsource", "argocd")
	lookAtANewOne := func(p *process) string { applying(repository)(p); return look(p) } // one that was read isn't read again
	return append(all,
		row{right: right{agent, "", "secrets", "", "list"}, lane: main, fails: unfound, in: inLog, says: "listing Argo CD's repositories in namespace …", act: look},
		row{right: right{agent, "", "secrets", "", "get"}, lane: main, fails: unfound, in: inLog, says: "reading Secret …", act: lookAtANewOne, after: repository},
		row{right: right{agent, "", "configmaps", "", "get"}, lane: main, fails: unfound, in: inLog, says: "reading ConfigMap …", act: look},
	)
}

// ownerRows are about whom an undeclared object belongs to.
func ownerRows() []row {
	var all []row
	for _, kind := range []struct{ version, kind, resource string }{
		{"apps/v1", "ReplicaSet", "replicasets"}, {"apps/v1", "Deployment", "deployments"}, {"apps/v1", "StatefulSet", "statefulsets"}, {"apps/v1", "DaemonSet", "daemonsets"},
		{"batch/v1", "Job", "jobs"}, {"batch/v1", "CronJob", "cronjobs"},
		{"v1", "Pod", "pods"}, {"v1", "ReplicationController", "replicationcontrollers"},
	} {
		group, _, _ := strings.Cut(kind.version, "/")
		if group == "v1" {
			group = ""
		}
		owned := fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"owned","namespace":"shop","ownerReferences":[{"apiVersion":%q,"kind":%q,"name":"owner","uid":"1","controller":true}]}}`, kind.version, kind.kind)
		fails := "what belongs to such an object is undecidable for people"
		if kind.kind == "Pod" {
			fails += ", and so is a shell in an agent's namespace"
		}
		all = append(all, row{
			right: right{own, group, kind.resource, "", "get"}, lane: main, fails: fails, in: answer,
			says: "can't decide on …: finding out whom … belongs to: reading …",
			act:  func(p *process) string { return p.as(dana, owned, "create", "--dry-run=server", "-f", "-") },
		})
	}
	return all
}

// applying has the administrator apply manifests.
func applying(manifests string) func(*process) string {
	return func(p *process) string { return p.as("admin", manifests, "apply", "-f", "-") }
}

// annotating changes an object that gitonly looks at whenever it changes.
func annotating(kind, name string) func(*process) string {
	return func(p *process) string {
		return p.as("admin", "", "annotate", kind, name, "--overwrite", fmt.Sprintf("example.com/looked-at=%d", p.count()))
	}
}

// annotated has dana break the glass.
func annotated(configMap, reason string) func(*process) string {
	return func(p *process) string {
		return p.as(dana, "", "annotate", "configmap", configMap, "-n", "shop", "--overwrite", "gitonly.dev/break-glass="+reason)
	}
}

// changedInEmergency asks the process about an administrator's change of an object
// of gitonly's own, which the API server asks nobody about here.
func changedInEmergency(kind, resource, name, change string) func(*process) string {
	object := fmt.Sprintf(`{"apiVersion":"gitonly.dev/v1alpha1","kind":%q,"metadata":{"name":%q,"uid":%q%%s},"spec":{%%s}}`, kind, name, resource)
	was, is := fmt.Sprintf(object, "", ""), fmt.Sprintf(object, `,"annotations":{"gitonly.dev/break-glass":"INC-1 gateway down"}`, change)
	return func(p *process) string {
		return p.asks(fmt.Sprintf(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"UPDATE","name":%q,"kind":{"group":"gitonly.dev","version":"v1alpha1","kind":%q},"resource":{"group":"gitonly.dev","version":"v1alpha1","resource":%q},"userInfo":{"username":"admin","groups":["system:masters"]},"oldObject":%s,"object":%s}}`,
			name, kind, resource, was, is))
	}
}

func opened(configMap string) func(*process) {
	return func(p *process) { annotated(configMap, "INC-1 gateway down")(p) }
}

// departed has dana depart from Git, which is refused unless the glass is broken.
func departed(configMap string) func(*process) string {
	return func(p *process) string {
		return p.as(dana, "", "patch", "configmap", configMap, "-n", "shop", "--patch", `{"data":{"theme":"dark"}}`)
	}
}

// told does so, and waits for the Event.
func told(configMap string) func(*process) {
	return func(p *process) {
		departed(configMap)(p)
		p.waitFor("an Event of "+configMap, func() string {
			return p.as("admin", "", "get", "events", "-n", "shop", "--field-selector=involvedObject.name="+configMap, "-o", "name")
		}, "event")
	}
}

// reported waits for the report.
func reported(resource string) func(*process) {
	return func(p *process) {
		p.waitFor("a report", func() string { return p.as("admin", "", "get", resource, "-A", "-o", "name") }, "policyreport")
	}
}

// departing asks the lane's own process about a write that departs from Git, in
// Audit mode.
func departing(resource, object string) func(*process) string {
	kind := `"kind":{"group":"","version":"v1","kind":"ConfigMap"},"resource":{"group":"","version":"v1","resource":"configmaps"},"namespace":"audited"`
	is := `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q,"namespace":"audited"},"data":{"theme":%q}}`
	if resource == "clusterpolicyreports" {
		kind = `"kind":{"group":"scheduling.k8s.io","version":"v1","kind":"PriorityClass"},"resource":{"group":"scheduling.k8s.io","version":"v1","resource":"priorityclasses"}`
		is = `{"apiVersion":"scheduling.k8s.io/v1","kind":"PriorityClass","metadata":{"name":%q},"value":1,"description":%q}`
	}
	return func(p *process) string {
		return p.asks(fmt.Sprintf(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"UPDATE","name":%q,%s,"userInfo":{"username":"dana"},"oldObject":%s,"object":%s}}`,
			object, kind, fmt.Sprintf(is, object, "light"), fmt.Sprintf(is, object, "dark")))
	}
}
