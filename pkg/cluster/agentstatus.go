package cluster

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/discover"
)

// setAgentStatus sets the status of a GitSource whose sources are found at an
// agent.
func setAgentStatus(item *v1alpha1.GitSource, found *discover.Found, err error, snapshot *gitindex.Snapshot) {
	status := &item.Status
	status.ObservedGeneration = item.Generation
	status.From = fromAgent(item)
	status.Revision, status.Paths = v1alpha1.Revision{}, nil
	status.Identities = nil
	sum := summarize(item.Name, snapshot)
	if found == nil {
		found = &discover.Found{}
		sum.unlooked = true
	}
	sum.unlooked = sum.unlooked || int(sum.status.Total) < len(found.Sources)
	for _, identity := range found.Identities {
		if len(status.Identities) < v1alpha1.MaxIdentities {
			status.Identities = append(status.Identities, identity.Namespace+"/"+identity.Name)
		}
	}
	slices.Sort(status.Identities)
	for _, problem := range found.Problems {
		sum.trouble(v1alpha1.SourceStatus{Name: problem.Object, Message: problem.Err.Error()})
	}
	ready := sum.condition(item, err, len(found.Problems))
	for _, warning := range sum.warnings { // after all that is wrong
		sum.trouble(warning)
	}
	status.Sources, status.Objects = &sum.status, sum.objects
	status.LastCheckTime = metav1.NewTime(sum.checked.Truncate(time.Second))
	status.Conflicts = conflicts(func(source string) bool {
		state := snapshot.Source(source)
		return state != nil && state.Source.Of == item.Name
	}, snapshot)
	ready.Type, ready.ObservedGeneration = v1alpha1.ConditionReady, item.Generation
	meta.SetStatusCondition(&status.Conditions, ready)
}

func fromAgent(item *v1alpha1.GitSource) string {
	switch {
	case item.Spec.ArgoCD != nil:
		return "Argo CD in " + item.Spec.ArgoCD.Namespace
	case item.Spec.Flux != nil:
		return "Flux in " + item.Spec.Flux.Namespace
	}
	return ""
}

// summary is what became of a GitSource's sources.
type summary struct {
	status   v1alpha1.SourcesStatus
	objects  int32
	failed   int       // sources that are not as Git has them
	checked  time.Time // when the one that was looked at longest ago was
	unlooked bool
	warnings []v1alpha1.SourceStatus // of sources that are well
}

func summarize(gitSource string, snapshot *gitindex.Snapshot) *summary {
	var s summary
	states := snapshot.Sources()
	for i := range states {
		if states[i].Source.Of == gitSource && states[i].Source.Problem == "" {
			s.add(&states[i])
		}
	}
	return &s
}

const recordAlone = "known by the agent's record alone: "

func (s *summary) add(state *gitindex.SourceState) {
	s.status.Total++
	said := v1alpha1.SourceStatus{Name: state.Source.Name, Revision: state.Revision.Short()}
	objects, _ := state.Size()
	said.Objects = int32(objects)
	recorded := state.ByRecord()
	if recorded {
		s.status.Recorded++
	}
	s.objects += said.Objects
	switch {
	case state.CheckedAt.IsZero() && state.Err == nil:
		s.unlooked = true
		return
	case s.checked.IsZero() || state.CheckedAt.Before(s.checked):
		s.checked = state.CheckedAt
	}
	if state.Source.Unrendered() {
		said.Message = recordAlone + state.Source.Locations[0].Build.Why
		s.trouble(said)
		return
	}
	faults := state.Faults()
	if len(faults) == 0 {
		s.status.Rendered++
		s.warn(said, state)
		return
	}
	s.failed++
	said.Message = faults[0].Error()
	if recorded {
		said.Message = recordAlone + said.Message
	}
	s.trouble(said)
}

// warn notes what of a source that is well can't be compared.
func (s *summary) warn(said v1alpha1.SourceStatus, state *gitindex.SourceState) {
	for i := range state.Locations {
		if objects, why := state.Locations[i].Undecrypted(); objects > 0 {
			said.Message = fmt.Sprintf("what is encrypted in %d of its objects is the agent's alone to change: %s", objects, why)
			s.warnings = append(s.warnings, said)
			return
		}
	}
}

func (s *summary) trouble(said v1alpha1.SourceStatus) {
	if len(s.status.Troubled) < v1alpha1.MaxTroubled {
		s.status.Troubled = append(s.status.Troubled, said)
	}
}

// condition says the worst that is wrong.
func (s *summary) condition(item *v1alpha1.GitSource, err error, problems int) metav1.Condition {
	wrong := func(reason, message string) metav1.Condition {
		return metav1.Condition{Status: metav1.ConditionFalse, Reason: reason, Message: message}
	}
	first := ""
	if len(s.status.Troubled) > 0 {
		first = s.status.Troubled[0].Name + ": " + s.status.Troubled[0].Message
	}
	_, absent := errors.AsType[*absence](err)
	switch {
	case absent:
		return wrong(v1alpha1.ReasonNotInstalled, err.Error())
	case err != nil:
		return wrong(v1alpha1.ReasonDiscoveryFailed, err.Error())
	case s.failed > 0:
		return wrong(v1alpha1.ReasonRenderFailed, fmt.Sprintf("%d of %d sources are not as Git has them. The first: %s", s.failed, s.status.Total, first))
	case problems > 0:
		return wrong(v1alpha1.ReasonDiscoveryFailed, fmt.Sprintf("No source could be made of %s. The first: %s", counted(problems, "object"), first))
	case s.unlooked:
		return metav1.Condition{Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonPending, Message: "Not all sources have been looked at yet."}
	}
	said := fmt.Sprintf("%s of %s.", counted(s.objects, "object"), counted(s.status.Total, "source"))
	if s.status.Total == 0 {
		said = nothingFound(item)
	}
	return metav1.Condition{Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonRendered, Message: said}
}

// nothingFound says that the agent applies nothing here, which is no error.
func nothingFound(item *v1alpha1.GitSource) string {
	what := "Kustomization or HelmRelease"
	if item.Spec.ArgoCD != nil {
		what = "Application"
	}
	return fmt.Sprintf("Nothing is declared yet: no %s applies anything to this cluster.", what)
}
