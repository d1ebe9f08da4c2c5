package discover

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// These are the fields of Argo CD's kinds that say what is applied, and where.

type argoCDApplication struct {
	Metadata struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Project           string            `json:"project"`
		Destination       argoCDDestination `json:"destination"`
		Source            *argoCDSource     `json:"source"`
		Sources           []argoCDSource    `json:"sources"`
		SourceHydrator    *argoCDHydrator   `json:"sourceHydrator"`
		IgnoreDifferences []argoCDIgnore    `json:"ignoreDifferences"`
		SyncPolicy        struct {
			SyncOptions              []string `json:"syncOptions"`
			ManagedNamespaceMetadata *struct {
				Labels      map[string]string `json:"labels,omitempty"`
				Annotations map[string]string `json:"annotations,omitempty"`
			} `json:"managedNamespaceMetadata"`
		} `json:"syncPolicy"`
	} `json:"spec"`
	Status struct {
		SourceType  string   `json:"sourceType"`
		SourceTypes []string `json:"sourceTypes"` // of several sources
		Resources   []struct {
			Group           string `json:"group"`
			Version         string `json:"version"`
			Kind            string `json:"kind"`
			Namespace       string `json:"namespace"`
			Name            string `json:"name"`
			Hook            bool   `json:"hook"`
			RequiresPruning bool   `json:"requiresPruning"`
		} `json:"resources"`
	} `json:"status"`
}

type argoCDDestination struct {
	Server    string `json:"server"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// argoCDHydrator has manifests rendered into another branch by Argo CD itself.
type argoCDHydrator struct {
	DrySource struct {
		RepoURL string `json:"repoURL"`
	} `json:"drySource"`
	SyncSource struct {
		RepoURL      string `json:"repoURL"`
		TargetBranch string `json:"targetBranch"`
		Path         string `json:"path"`
	} `json:"syncSource"`
}

type argoCDSource struct {
	RepoURL        string           `json:"repoURL"`
	Path           string           `json:"path,omitempty"`
	Chart          string           `json:"chart,omitempty"`
	TargetRevision string           `json:"targetRevision,omitempty"`
	TagPrefix      string           `json:"tagPrefix,omitempty"`
	Ref            string           `json:"ref,omitempty"`
	Name           string           `json:"name,omitempty"`
	Helm           *argoCDHelm      `json:"helm,omitempty"`
	Kustomize      *argoCDKustomize `json:"kustomize,omitempty"`
	Directory      *argoCDDirectory `json:"directory,omitempty"`
	Plugin         *argoCDPlugin    `json:"plugin,omitempty"`
}

type argoCDPlugin struct {
	Name string `json:"name,omitempty"`
}

type argoCDHelm struct {
	ValueFiles              []string         `json:"valueFiles,omitempty"`
	Parameters              []argoCDSetValue `json:"parameters,omitempty"`
	FileParameters          []argoCDSetFile  `json:"fileParameters,omitempty"`
	ReleaseName             string           `json:"releaseName,omitempty"`
	Values                  string           `json:"values,omitempty"`
	ValuesObject            json.RawMessage  `json:"valuesObject,omitempty"`
	Namespace               string           `json:"namespace,omitempty"`
	IgnoreMissingValueFiles bool             `json:"ignoreMissingValueFiles,omitempty"`
	SkipCRDs                bool             `json:"skipCrds,omitempty"`
	SkipTests               bool             `json:"skipTests,omitempty"`
	SkipSchemaValidation    bool             `json:"skipSchemaValidation,omitempty"`
	PassCredentials         bool             `json:"passCredentials,omitempty"`
	Version                 string           `json:"version,omitempty"`
	KubeVersion             string           `json:"kubeVersion,omitempty"`
	APIVersions             []string         `json:"apiVersions,omitempty"`
}

type argoCDSetValue struct {
	Name        string `json:"name"`
	Value       string `json:"value"`
	ForceString bool   `json:"forceString,omitempty"`
}

type argoCDSetFile struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

type argoCDKustomize struct {
	NamePrefix                string            `json:"namePrefix,omitempty"`
	NameSuffix                string            `json:"nameSuffix,omitempty"`
	Namespace                 string            `json:"namespace,omitempty"`
	Images                    []string          `json:"images,omitempty"`
	CommonLabels              map[string]string `json:"commonLabels,omitempty"`
	ForceCommonLabels         bool              `json:"forceCommonLabels,omitempty"`
	LabelWithoutSelector      bool              `json:"labelWithoutSelector,omitempty"`
	LabelIncludeTemplates     bool              `json:"labelIncludeTemplates,omitempty"`
	CommonAnnotations         map[string]string `json:"commonAnnotations,omitempty"`
	ForceCommonAnnotations    bool              `json:"forceCommonAnnotations,omitempty"`
	CommonAnnotationsEnvsubst bool              `json:"commonAnnotationsEnvsubst,omitempty"`
	Replicas                  []argoCDReplicas  `json:"replicas,omitempty"`
	Patches                   []argoCDPatch     `json:"patches,omitempty"`
	Components                []string          `json:"components,omitempty"`
	IgnoreMissingComponents   bool              `json:"ignoreMissingComponents,omitempty"`
	Version                   string            `json:"version,omitempty"`
	KubeVersion               string            `json:"kubeVersion,omitempty"`
	APIVersions               []string          `json:"apiVersions,omitempty"`
}

type argoCDReplicas struct {
	Name  string             `json:"name"`
	Count intstr.IntOrString `json:"count"`
}

type argoCDPatch struct {
	Path    string          `json:"path,omitempty"`
	Patch   string          `json:"patch,omitempty"`
	Options map[string]bool `json:"options,omitempty"`
	Target  *struct {
		Group              string `json:"group,omitempty"`
		Version            string `json:"version,omitempty"`
		Kind               string `json:"kind,omitempty"`
		Name               string `json:"name,omitempty"`
		Namespace          string `json:"namespace,omitempty"`
		LabelSelector      string `json:"labelSelector,omitempty"`
		AnnotationSelector string `json:"annotationSelector,omitempty"`
	} `json:"target,omitempty"`
}

type argoCDDirectory struct {
	Recurse bool          `json:"recurse,omitempty"`
	Include string        `json:"include,omitempty"`
	Exclude string        `json:"exclude,omitempty"`
	Jsonnet argoCDJsonnet `json:"jsonnet,omitzero"`
}

type argoCDJsonnet struct {
	ExtVars []argoCDVariable `json:"extVars,omitempty"`
	TLAs    []argoCDVariable `json:"tlas,omitempty"`
	Libs    []string         `json:"libs,omitempty"`
}

type argoCDVariable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Code  bool   `json:"code,omitempty"`
}

type argoCDIgnore struct {
	Group                 string   `json:"group"`
	Kind                  string   `json:"kind"`
	Name                  string   `json:"name"`
	Namespace             string   `json:"namespace"`
	JSONPointers          []string `json:"jsonPointers"`
	JQPathExpressions     []string `json:"jqPathExpressions"`
	ManagedFieldsManagers []string `json:"managedFieldsManagers"`
}

// decode reads an object into a struct that has some of its fields.
func decode(object *unstructured.Unstructured, into any) error {
	encoded, err := json.Marshal(object.Object)
	if err == nil {
		err = json.Unmarshal(encoded, into)
	}
	if err != nil {
		return fmt.Errorf("reading its fields: %w", err)
	}
	return nil
}
