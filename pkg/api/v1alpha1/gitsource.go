package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GitSource names places in Git whose rendered manifests are the truth: a
// repository at one ref and the paths in it, or all that a sync agent applies
// from. Every object that they contain is declared, in whichever cluster
// namespace it belongs.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName=gsrc,categories=gitonly
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="From",type=string,JSONPath=`.status.from`
// +kubebuilder:printcolumn:name="Ref",type=string,JSONPath=`.status.revision.name`
// +kubebuilder:printcolumn:name="Sources",type=integer,JSONPath=`.status.sources.total`
// +kubebuilder:printcolumn:name="Objects",type=integer,JSONPath=`.status.objects`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Checked",type=date,JSONPath=`.status.lastCheckTime`,priority=1
// +kubebuilder:printcolumn:name="Commit",type=string,JSONPath=`.status.revision.commit`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
type GitSource struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec says where the manifests are.
	// +required
	Spec GitSourceSpec `json:"spec"`

	// status says what was found there.
	// +optional
	Status GitSourceStatus `json:"status,omitzero"`
}

// GitSourceList is a list of GitSources.
//
// +kubebuilder:object:root=true
type GitSourceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []GitSource `json:"items"`
}

// GitSourceSpec says where the manifests are: exactly one of git, argoCD and
// flux.
//
// +kubebuilder:validation:XValidation:rule="[has(self.git), has(self.argoCD), has(self.flux)].filter(set, set).size() == 1",message="set exactly one of git, argoCD and flux"
type GitSourceSpec struct {
	// git is a repository, and the paths in it that are rendered.
	// +optional
	Git *Git `json:"git,omitempty"`

	// argoCD makes each Application of an Argo CD a source: with the
	// repository, credentials and options that Argo CD has for it.
	// +optional
	ArgoCD *ArgoCD `json:"argoCD,omitempty"`

	// flux makes each Kustomization and HelmRelease of Flux a source, as
	// Flux's controllers read them.
	// +optional
	Flux *Flux `json:"flux,omitempty"`

	// interval is how long to wait between two looks at the remote ref. Files
	// are fetched only when the ref has moved. At least 5s; 1m by default.
	// +optional
	// +default="1m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('5s')`,message="must be a duration of 5s or more, such as 30s, 1m or 1h30m"
	Interval metav1.Duration `json:"interval,omitzero"`
}

// Git is a repository, and the paths in it that are rendered.
//
// +kubebuilder:validation:XValidation:rule="!has(self.verify) || !has(self.verify.mode) || !(self.verify.mode in ['Tag', 'TagAndHEAD']) || (has(self.ref) && (has(self.ref.tag) || has(self.ref.semver)))",message="verify.mode Tag and TagAndHEAD need ref.tag or ref.semver: nothing else comes to a tag"
type Git struct {
	// url is where the repository is cloned from: https://host/path,
	// http://host/path, ssh://user@host/path, user@host:path or file:///path.
	// Credentials don't belong here, but in the Secret that secretRef names.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^(https?|ssh)://[^/\s]+/\S+$') || self.matches(r'^[^/\s:@]+@(\[[0-9A-Fa-f:.]+\]|[^/\s:@]+):\S+$') || self.matches(r'^file:///\S+$')`,message="must be one of https://host/path, http://host/path, ssh://user@host/path, user@host:path and file:///path"
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r'^https?://[^/]*@') && !self.matches(r'^ssh://[^/@]*:[^/]*@')`,message="must hold no password or token, and for https no user name: put them into a Secret, and its name into secretRef"
	URL string `json:"url"`

	// ref names the commit to render. At most one of its fields is set;
	// without any, the remote's default branch is followed.
	// +optional
	Ref Ref `json:"ref,omitzero"`

	// secretRef names a Secret in gitonly's own namespace that holds the
	// credentials for url. Leave it out for a repository that anyone may read.
	// +optional
	SecretRef *SecretReference `json:"secretRef,omitempty"`

	// verify, if set, lets only signed commits count: at any other the source
	// stays as it was at the last good one, and its status says why.
	// +optional
	Verify *Verify `json:"verify,omitempty"`

	// paths are the folders that are rendered. The same path may be listed
	// again for another namespace.
	// +required
	// +listType=map
	// +listMapKey=path
	// +listMapKey=namespace
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=500
	Paths []Path `json:"paths"`
}

// Ref names a commit. At most one of its fields is set.
//
// +kubebuilder:validation:XValidation:rule="[has(self.branch), has(self.tag), has(self.semver), has(self.commit)].filter(set, set).size() <= 1",message="set at most one of branch, tag, semver and commit"
type Ref struct {
	// branch is followed: main.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[^\s~^:?*\\[]+$') && !self.startsWith('refs/')`,message="must be a branch's name, such as main: no spaces or wildcards, and no refs/heads/ in front"
	Branch string `json:"branch,omitempty"`

	// tag is used, and followed if it moves: v1.2.0.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[^\s~^:?*\\[]+$') && !self.startsWith('refs/')`,message="must be a tag's name, such as v1.2.0: no spaces or wildcards, and no refs/tags/ in front"
	Tag string `json:"tag,omitempty"`

	// semver is a range of versions, such as ">=1.2.0 <2.0.0". The tag with
	// the highest version in it is followed.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[0-9A-Za-z.*+~^<>=!,| -]+$')`,message="must be a range of versions, such as '>=1.2.0 <2.0.0' or '1.4.x'"
	SemVer string `json:"semver,omitempty"`

	// commit is used and never moves. It is the full hash.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$')",message="must be a full commit hash: 40 or 64 hexadecimal digits"
	Commit string `json:"commit,omitempty"`
}

// SecretReference names a Secret in gitonly's own namespace.
type SecretReference struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$')`,message="must be the name of a Secret: lower-case letters, digits, '-' and '.'"
	Name string `json:"name"`
}

// Path is a folder of a repository that is rendered.
type Path struct {
	// path from the repository's root, with / between folders. "." is the
	// root itself.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('/')",message="must start at the repository's root, with no / in front"
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r'(^|/)\.\.(/|$)')`,message="must stay inside the repository, with no .. in it"
	Path string `json:"path"`

	// namespace is where objects go that belong into a namespace and name
	// none: what the agent's destination namespace is set to. Empty if every
	// manifest names its own.
	// +optional
	// +default=""
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$')",message="must be the name of a namespace: lower-case letters, digits and '-'"
	Namespace string `json:"namespace,omitempty"`

	// render says how files become objects. Plain reads every YAML and JSON
	// file; Kustomize builds a kustomization; Helm renders a chart with its own
	// values, as a release that is called as the path's last folder; Jsonnet
	// evaluates a .jsonnet file, or all those directly in a folder. Auto, the
	// default, takes Kustomize where there is a kustomization file, Helm where
	// there is a Chart.yaml, and Plain elsewhere; a folder with nothing but
	// Jsonnet is an error. Nothing is downloaded: what a chart depends on has to
	// be in its charts folder, or in the repository.
	// +optional
	// +default="Auto"
	Render Format `json:"render,omitempty"`
}

// Format says how files become objects.
//
// +kubebuilder:validation:Enum=Auto;Plain;Kustomize;Helm;Jsonnet
type Format string

// The formats.
const (
	FormatAuto      Format = "Auto"
	FormatPlain     Format = "Plain"
	FormatKustomize Format = "Kustomize"
	FormatHelm      Format = "Helm"
	FormatJsonnet   Format = "Jsonnet"
)
