package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/clock"
	crwebhook "sigs.k8s.io/controller-runtime/pkg/webhook/admission"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy"
)

func reviewCommand() *cobra.Command {
	var from offline
	var file, output string
	cmd := &cobra.Command{
		Use:   "review --config DIR -f REVIEW.json",
		Short: "Say what gitonly answers to an AdmissionReview",
		Long: "Decide one AdmissionReview request as the webhook would, without a cluster. Labels of\n" +
			"namespaces are those that Git declares. The exit status is 0 whatever the verdict:\n" +
			"scripts read .response.allowed from --output json.",
		Example: "  kubectl gitonly review --config ./gitonly -f review.json\n" +
			"  kubectl gitonly review --config ./gitonly -f - --output json < review.json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains([]string{"", "json", "yaml"}, output) {
				return fmt.Errorf("--output=%s: it is json or yaml", output)
			}
			review, err := readReview(file, cmd.InOrStdin())
			if err != nil {
				return err
			}
			c, guards, err := from.read(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			snapshot, index, err := from.load(cmd.Context(), c, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if err := faults(snapshot); err != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "warning: %v\n", err)
			}
			guards.Faults = "the warning above says why"
			return answer(cmd, newHandler(guards, index), review, output)
		},
	}
	from.bind(cmd)
	cmd.Flags().StringVarP(&file, "filename", "f", "", "file with the AdmissionReview, JSON or YAML; - for standard input")
	cmd.Flags().StringVarP(&output, "output", "o", "", "json or yaml: the AdmissionReview that the webhook would send back; for people if empty")
	_ = cmd.MarkFlagRequired("filename") // it errs only for a flag that isn't there
	return cmd
}

func newHandler(guards policy.Policy, index *gitindex.Index) *admission.Handler {
	var policies admission.PolicyStore
	policies.Set(guards)
	return admission.NewHandler(admission.Parts{
		Snapshots:  index,
		Policies:   &policies,
		Namespaces: declaredNamespaces{index.Current()},
		Kinds:      admission.NewKinds(scheme.Scheme, nil),
		Clock:      clock.RealClock{},
		Log:        logr.Discard(),
	})
}

func answer(cmd *cobra.Command, handler *admission.Handler, review *admissionv1.AdmissionReview, output string) error {
	out := cmd.OutOrStdout()
	if output == "" {
		verdict := handler.Decide(cmd.Context(), review.Request)
		fmt.Fprintf(out, "%s (%s)", verdict.Outcome, verdict.Reason)
		if verdict.Policy != "" {
			fmt.Fprintf(out, " by GuardPolicy %s in %s mode, for a request by %s %s", verdict.Policy, verdict.Mode, verdict.Actor, review.Request.UserInfo.Username)
		}
		fmt.Fprintln(out)
		if verdict.Message != "" {
			fmt.Fprintln(out, verdict.Message)
		}
		return nil
	}
	request := crwebhook.Request{AdmissionRequest: *review.Request}
	response := handler.Handle(cmd.Context(), request)
	if err := response.Complete(request); err != nil {
		return err
	}
	reply := admissionv1.AdmissionReview{TypeMeta: review.TypeMeta, Response: &response.AdmissionResponse}
	text, err := json.MarshalIndent(reply, "", "  ")
	if err != nil {
		return err
	}
	if output == "yaml" {
		if text, err = yaml.JSONToYAML(text); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "%s\n", bytes.TrimSpace(text))
	return err
}

// declaredNamespaces knows namespaces by what Git declares of them.
type declaredNamespaces struct{ snapshot *gitindex.Snapshot }

func (d declaredNamespaces) Namespace(name string) *policy.Namespace {
	declared := d.snapshot.Lookup(gitindex.Key{Kind: "Namespace", Name: name})
	if declared == nil {
		return nil
	}
	var object struct {
		Metadata struct {
			Labels map[string]string `json:"labels"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(declared.Manifest.JSON(), &object); err != nil {
		return nil
	}
	labels := map[string]string{"kubernetes.io/metadata.name": name}
	for key, value := range object.Metadata.Labels {
		labels[key] = value
	}
	return &policy.Namespace{Labels: labels}
}
