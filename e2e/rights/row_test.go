package rights_test

import "slices"

// place is where somebody sees that a right is missing.
type place string

const (
	answer  place = "the answer to a write"
	inLog   place = "the log"
	metrics place = "`/metrics`"
	readyz  place = "`/readyz`"
	status  place = "the status"
)

// row is a right, and what fails without it.
type row struct {
	right
	fails string // as docs/security.md has it
	in    place
	says  string // there, where … stands for anything

	// lane is the process that lacks it: rows of one lane come one after the other.
	// Empty stands for a process of its own, which never had the right.
	lane   string
	apart  bool // in a namespace of its own, so that its Lease is nobody else's
	args   []string
	given  string                         // manifests that are there before; $RELEASE is the chart's release
	before func(*process)                 // while it has the right still
	act    func(*process) (answer string) // without it
	after  string                         // manifests of what act made, to be deleted
}

// The lanes. Only the main one is asked by the API server.
const (
	main           = "gitonly"
	reports        = "gitonly-reports"
	clusterReports = "gitonly-cluster-reports"
)

const (
	own   = "ClusterRole gitonly"
	home  = "Role gitonly"
	agent = "ClusterRole gitonly-agent"
)

// view is Kubernetes' own role. It has some of what the chart's have, too: all
// lanes do without it, as the value serviceAccount.view lets them.
var view = right{role: "ClusterRole view"}

const (
	gitonlyDev = "gitonly.dev"
	unready    = "nothing is decided, and gitonly isn't ready"
)

func rows() []row {
	all := []row{
		{right: right{own, gitonlyDev, "gitsources", "", "list watch"}, fails: unready, in: readyz, says: "the GitSources have not been read yet"},
		{right: right{own, gitonlyDev, "guardpolicies", "", "list watch"}, fails: unready, in: readyz, says: "no GuardPolicy has been read yet"},
		{right: right{own, "", "namespaces", "", "list watch"}, fails: unready, in: readyz, says: "no GuardPolicy has been read yet"},
		{right: right{own, gitonlyDev, "gitsources/status", "", "patch"}, lane: main, fails: "GitSources don't say what became of them",
			in: inLog, says: "writing the status of GitSource …", act: applying(freshSource), after: freshSource},
		{right: right{own, gitonlyDev, "guardpolicies/status", "", "patch"}, lane: main, fails: "GuardPolicies don't say what is wrong with them",
			in: inLog, says: "writing the status of GuardPolicy …", act: applying(freshPolicy), after: freshPolicy},
	}
	all = append(all, emergencyRows()...)
	all = append(all, []row{
		{right: right{own, "events.k8s.io", "events", "", "create"}, lane: main, fails: "no Event tells of what is refused, of emergencies, and of what Git declares no more",
			in: inLog, says: "Server rejected event", act: departed("told")},
		{right: right{own, "events.k8s.io", "events", "", "patch"}, lane: main, fails: "alike Events aren't counted",
			in: inLog, says: "Server rejected event", before: told("told-again"), act: departed("told-again")},
		{right: right{own, "apiextensions.k8s.io", "customresourcedefinitions", "", "get"}, lane: main, fails: "a custom kind's other versions can't be compared, and its scale is undecidable",
			in: inLog, says: "the schemas of declared kinds are not up to date", act: annotating("crd", "widgets.example.com")},
		{right: right{own, "apiextensions.k8s.io", "customresourcedefinitions", "", "list watch"}, fails: "changes of a custom kind are seen five minutes later",
			in: inLog, says: "Failed to watch"},
		{right: right{own, "", "serviceaccounts", "", "get"}, lane: main, fails: "GuardPolicies don't say whether the agents exist that they name",
			in: status, says: "reading ServiceAccount …", act: annotating("guardpolicy", "shop")},
		{right: right{own, "admissionregistration.k8s.io", "validatingwebhookconfigurations", "gitonly", "get"}, fails: "nobody is told when the registration is gone, nor that the API server refuses the certificate",
			in: metrics, says: `gitonly_webhook_registration_present{registration="…"} -1`},
		{right: right{own, "admissionregistration.k8s.io", "validatingwebhookconfigurations", "gitonly", "patch"}, fails: "the API server doesn't trust the certificates that gitonly makes",
			in: inLog, says: "setting the caBundle of ValidatingWebhookConfiguration …", args: ownCertificate, given: registration},
		{right: right{home, "", "secrets", "", "get"}, lane: main, fails: "sources that need credentials aren't fetched, and no push is believed",
			in: status, says: "reading Secret …", act: applying(privateSource), after: privateSource},
		{right: right{home, "", "secrets", "", "create"}, fails: "gitonly has no certificate of its own to serve",
			in: inLog, says: "creating Secret …", args: ownCertificate},
		{right: right{home, "", "secrets", "gitonly-tls", "update"}, fails: "gitonly's own certificate isn't renewed",
			in: inLog, says: "writing Secret …", args: ownCertificate, given: emptySecret},
		{right: right{home, "coordination.k8s.io", "leases", "", "get"}, apart: true, fails: leaderless, in: inLog, says: "Error retrieving lease lock"},
		{right: right{home, "coordination.k8s.io", "leases", "", "create"}, apart: true, fails: leaderless, in: inLog, says: "Error initially creating lease lock"},
		{right: right{home, "coordination.k8s.io", "leases", "", "update"}, apart: true, fails: leaderless, in: inLog, says: "Failed to update lease", given: endedLease},
	}...)
	all = append(all, reportRows("policyreports", reports)...)
	all = append(all, reportRows("clusterpolicyreports", clusterReports)...)
	return slices.Concat(all, agentRows(), ownerRows())
}
