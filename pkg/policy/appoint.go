package policy

import (
	"encoding/json"
	"slices"
)

// marks are the labels by which discovery finds the workloads that say as whom
// the agents write.
type marks struct {
	PartOf    string `json:"app.kubernetes.io/part-of"`
	Component string `json:"app.kubernetes.io/component"`
	App       string `json:"app"`
}

// agents reports whether a workload of that name with these labels is one that
// writes what Git says; the agents have others.
func (m marks) agents(name string) bool {
	switch m.PartOf {
	case "argocd":
		return name == "argocd-application-controller" || m.Component == "application-controller"
	case "flux":
		return slices.ContainsFunc([]string{"kustomize-controller", "helm-controller"}, func(controller string) bool {
			return name == controller || m.Component == controller || m.App == controller
		})
	}
	return false
}

// appointment is what of a workload has discovery take somebody for an agent.
type appointment struct {
	marks   marks
	account string
}

// appointed is whom the request would make discovery take for an agent: the
// account of an agent's workload, where Git doesn't declare that.
func (c *decision) appointed() (identity, bool) {
	req := c.req
	key := req.Key
	workload := key.Group == "apps" && (key.Kind == "Deployment" || key.Kind == "StatefulSet")
	if !workload || req.Subresource != "" || c.snap.Lookup(key) != nil {
		return identity{}, false
	}
	after, ok := appointmentOf(req.Object)
	if before, had := appointmentOf(req.OldObject); !ok || had && before == after {
		return identity{}, false
	}
	who := serviceAccount(key.Namespace, after.account)
	who.appointed = true
	return who, true
}

// appointmentOf reads a workload; ok is false if discovery doesn't look at it.
func appointmentOf(object []byte) (a appointment, ok bool) {
	if !mayName(object, partOf) {
		return appointment{}, false
	}
	return readAppointment(object)
}

func readAppointment(object []byte) (a appointment, ok bool) {
	var workload struct {
		Metadata struct {
			Name   string `json:"name"`
			Labels marks  `json:"labels"`
		} `json:"metadata"`
		Spec podHolder `json:"spec"`
	}
	if len(object) == 0 || json.Unmarshal(object, &workload) != nil {
		return appointment{}, false
	}
	a.marks = workload.Metadata.Labels
	a.account, ok = workload.Spec.account(false)
	return a, ok && a.marks.agents(workload.Metadata.Name)
}
