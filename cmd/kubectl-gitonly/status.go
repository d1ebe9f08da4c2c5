package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/api/v1alpha1"
	"gitonly.dev/gitonly/pkg/gitindex"
)

func statusCommand() *cobra.Command {
	var from access
	var output string
	var which string
	var check bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show where Git comes from, and what guards the cluster",
		Long: "Print the GitSources with their revisions, how long ago each was looked at, and what is\n" +
			"wrong with them; the service accounts that the sync agents write as; the GuardPolicies,\n" +
			"and what is wrong with them; whether the API server asks gitonly, and any replica of it\n" +
			"was heard of; and the emergencies that are open.",
		Example: "  kubectl gitonly status\n" +
			"  kubectl gitonly status --output json | jq '.gitSources[].status.sources'",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			printed, ok := map[string]func(io.Writer, status) error{"": printStatus, "json": printStatusJSON, "yaml": printStatusYAML}[output]
			if !ok {
				return fmt.Errorf("--output=%s: it is json or yaml", output)
			}
			reader, err := from.client()
			if err != nil {
				return err
			}
			s, err := readStatus(cmd.Context(), reader, which)
			if err != nil {
				return err
			}
			if err := printed(cmd.OutOrStdout(), s); err != nil || !check {
				return err
			}
			return unready(s)
		},
	}
	from.bind(cmd)
	cmd.Flags().BoolVar(&check, "check", false, "end with an error unless each GitSource and GuardPolicy is ready, each policy that enforces knows an agent, the API server asks gitonly and has a caBundle to verify it by, and a replica of it was heard of; what can't be told is no error")
	cmd.Flags().StringVar(&which, "webhook-configuration", anyRegistration, "name of the ValidatingWebhookConfiguration by which the API server asks gitonly; * for each that asks "+webhookName+"; empty if it is in a file of the API server's, which can't be seen")
	cmd.Flags().StringVarP(&output, "output", "o", "", "json or yaml; for people if empty")
	return cmd
}

// status is what gitonly's objects say, and its registrations.
type status struct {
	Sources       []v1alpha1.GitSource   `json:"gitSources"`
	Policies      []v1alpha1.GuardPolicy `json:"guardPolicies"`
	Registrations registrations          `json:"registrations"`

	// Emergencies are those that are open.
	Emergencies []v1alpha1.BreakGlass `json:"breakGlasses"`

	now time.Time
}

// readStatus reads the registration of that name, or those that which stands for.
func readStatus(ctx context.Context, reader client.Reader, which string) (status, error) {
	var sources v1alpha1.GitSourceList
	if err := reader.List(ctx, &sources); err != nil {
		return status{}, unread("GitSources", err)
	}
	var policies v1alpha1.GuardPolicyList
	if err := reader.List(ctx, &policies); err != nil {
		return status{}, unread("GuardPolicies", err)
	}
	emergencies, err := readEmergencies(ctx, reader, false)
	if err != nil {
		return status{}, err
	}
	registrations, err := readRegistrations(ctx, reader, which)
	if err != nil {
		return status{}, err
	}
	s := status{Sources: sources.Items, Policies: policies.Items, Registrations: registrations, Emergencies: emergencies.Items, now: time.Now()}
	s.withoutManagers()
	return s, nil
}

// withoutManagers leaves out who set which field, as kubectl get does.
func (s *status) withoutManagers() {
	for i := range s.Sources {
		s.Sources[i].ManagedFields = nil
	}
	for i := range s.Policies {
		s.Policies[i].ManagedFields = nil
	}
	for i := range s.Emergencies {
		s.Emergencies[i].ManagedFields = nil
	}
}

func unread(what string, err error) error {
	if apimeta.IsNoMatchError(err) {
		return fmt.Errorf("this cluster knows no %s: install gitonly's CustomResourceDefinitions", what)
	}
	return fmt.Errorf("listing %s: %w", what, err)
}

func printStatusJSON(w io.Writer, s status) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}

func printStatusYAML(w io.Writer, s status) error {
	text, err := yaml.Marshal(s)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

func printStatus(out io.Writer, s status) error {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	if len(s.Sources) == 0 {
		fmt.Fprintln(w, "There is no GitSource: nothing is declared in Git.")
	} else {
		fmt.Fprintln(w, "SOURCE\tFROM\tREVISION\tOBJECTS\tCHECKED\tREADY")
	}
	for i := range s.Sources {
		printSource(w, &s.Sources[i], s.now)
	}
	fmt.Fprintln(w)
	if len(s.Policies) == 0 {
		fmt.Fprintln(w, "There is no GuardPolicy: nothing is guarded.")
	} else {
		fmt.Fprintln(w, "POLICY\tMODE\tUNDECIDABLE\tREADY\tAGENTS")
	}
	for i := range s.Policies {
		p := &s.Policies[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", p.Name, p.Spec.Mode, p.Spec.Undecidable, readiness(p.Status.Conditions), agents(p.Status.Conditions))
	}
	fmt.Fprintln(w)
	for _, line := range append(s.Registrations.lines(), silence(s)...) {
		fmt.Fprintln(w, line)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(s.Emergencies) > 0 {
		fmt.Fprintln(out)
		if err := printEmergencies(out, s.Emergencies, s.now); err != nil {
			return err
		}
	}
	return printDetails(out, s)
}

func printSource(w io.Writer, source *v1alpha1.GitSource, now time.Time) {
	st := &source.Status
	from, revision, checked := cmp.Or(st.From, "-"), "-", "never"
	if found := st.Sources; found != nil {
		noun := "sources"
		if found.Total == 1 {
			noun = "source"
		}
		from = fmt.Sprintf("%s (%d %s)", from, found.Total, noun)
	}
	if st.Revision.Commit != "" {
		revision = gitindex.Revision{Name: st.Revision.Name, Commit: st.Revision.Commit}.Short()
	}
	switch {
	case awaited(st) != "":
		checked = "-"
	case !st.LastCheckTime.IsZero():
		checked = duration.HumanDuration(now.Sub(st.LastCheckTime.Time)) + " ago"
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\n", source.Name, from, revision, st.Objects, checked, readiness(st.Conditions))
}

// awaited says that a source's agent is there, and applies nothing yet; empty if
// that isn't so.
func awaited(st *v1alpha1.GitSourceStatus) string {
	ready := apimeta.FindStatusCondition(st.Conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Status != metav1.ConditionTrue || st.Sources == nil || st.Sources.Total > 0 {
		return ""
	}
	return ready.Message
}

func readiness(conditions []metav1.Condition) string {
	ready := apimeta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	switch {
	case ready == nil:
		return "not seen by gitonly yet"
	case ready.Status == metav1.ConditionTrue:
		return "yes"
	case ready.Status == metav1.ConditionUnknown:
		return "not yet: " + ready.Message
	}
	return "no, " + ready.Reason
}

// agents says whether somebody can bring Git's changes.
func agents(conditions []metav1.Condition) string {
	switch found := apimeta.FindStatusCondition(conditions, v1alpha1.ConditionAgents); {
	case found == nil:
		return "-"
	case found.Status == metav1.ConditionTrue:
		return "yes"
	case found.Status == metav1.ConditionUnknown:
		return "unknown, " + found.Reason
	default:
		return "no, " + found.Reason
	}
}

// printDetails says of each source and policy what a line has no room for.
func printDetails(out io.Writer, s status) error {
	for i := range s.Sources {
		if err := printLines(out, "GitSource "+s.Sources[i].Name, details(&s.Sources[i], s.now)); err != nil {
			return err
		}
	}
	for i := range s.Policies {
		if err := printLines(out, "GuardPolicy "+s.Policies[i].Name, complaints(&s.Policies[i])); err != nil {
			return err
		}
	}
	return nil
}

func printLines(out io.Writer, heading string, lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(out, "\n%s\n  %s\n", heading, strings.Join(lines, "\n  "))
	return err
}

// complaints are what a policy's conditions say is wrong with it.
func complaints(policy *v1alpha1.GuardPolicy) []string {
	var lines []string
	for _, condition := range policy.Status.Conditions {
		if condition.Status != metav1.ConditionTrue {
			lines = append(lines, condition.Message)
		}
	}
	return lines
}

func details(source *v1alpha1.GitSource, now time.Time) []string {
	var lines []string
	st := &source.Status
	ready := apimeta.FindStatusCondition(st.Conditions, v1alpha1.ConditionReady)
	// The first of the conflicts is all that the condition says of them.
	if ready != nil && ready.Status == metav1.ConditionFalse && !slices.Contains(st.Conflicts, ready.Message) {
		lines = append(lines, ready.Message)
	}
	if nothing := awaited(st); nothing != "" {
		lines = append(lines, nothing)
	}
	for _, path := range st.Paths {
		if path.Message != "" && (ready == nil || !strings.Contains(ready.Message, path.Message)) {
			lines = append(lines, fmt.Sprintf("path %s, objects of %s: %s", path.Path, cmp.Or(path.Revision, "no revision"), path.Message))
		}
	}
	if found := st.Sources; found != nil {
		if found.Total > 0 {
			lines = append(lines, fmt.Sprintf("%d rendered, %d known by the agent's record alone, %d in all", found.Rendered, found.Recorded, found.Total))
		}
		for _, one := range found.Troubled {
			lines = append(lines, one.Name+": "+one.Message)
		}
	}
	lines = append(lines, differing(st.Replicas, now)...)
	for _, identity := range st.Identities {
		lines = append(lines, "writes as ServiceAccount "+identity)
	}
	return append(lines, st.Conflicts...)
}
