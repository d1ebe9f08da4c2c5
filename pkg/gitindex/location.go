package gitindex

import (
	"cmp"
	"reflect"
)

// Location is one rendered path of a source.
type Location struct {
	Path      string // slash-separated, relative to the repository's root; "." is the root
	Namespace string // for namespaced objects that name none; may be empty
	Render    Format
	Build     Build
}

// Equal reports whether both are rendered alike.
func (l Location) Equal(other Location) bool { return reflect.DeepEqual(l, other) }

// same reports whether both declare the same objects, maybe rendered otherwise.
func (l Location) same(other Location) bool {
	return l.Path == other.Path && l.Namespace == other.Namespace
}

// Format says how the files at a location become objects.
type Format string

// The formats. Auto takes Kustomize where the path holds a kustomization file,
// else Helm where it holds a Chart.yaml, and Plain otherwise.
const (
	Auto      Format = "Auto"
	Plain     Format = "Plain"
	Kustomize Format = "Kustomize"
	Helm      Format = "Helm"
	Jsonnet   Format = "Jsonnet"

	// Unrendered is the format of what only the agent itself can render, such
	// as a config management plugin's: the agent's record is all there is.
	Unrendered Format = "Unrendered"
)

// Build is what the agent has in mind with a location's files that isn't in
// them. A nil part has nothing to say, and those of other formats don't count.
type Build struct {
	Directory  *Directory
	Kustomize  *KustomizeBuild
	Helm       *HelmBuild
	Jsonnet    *JsonnetBuild
	Substitute *Substitution // applied to what is rendered
	Namespace  string        // that every namespaced object gets, whatever it names; empty for its own
	Marks      Marks

	// Decryption is nil where the agent decrypts nothing.
	Decryption *Decryption

	// Ignores are fields that the agent leaves alone.
	Ignores []FieldIgnore

	// Excluded are patterns of files that the agent doesn't take out of the
	// repository, as in a .gitignore file.
	Excluded string

	// Unapplied are objects that are rendered, and that the agent never applies.
	Unapplied []Annotated

	// Added are objects, as JSON, that the agent applies beside what is
	// rendered, with no marks. One that is rendered too goes before.
	Added []string

	// Override, if not nil, lets files at the location change it.
	Override Override
	// Flux tells that the location is Flux's: .sourceignore files and links
	// don't count as files, and a kustomization file is changed as Flux does.
	Flux bool

	// Why says of an Unrendered location what makes it so.
	Why string
}

// Override changes a location by files that lie at its path. It is compared
// with reflect.DeepEqual.
type Override interface {
	// Files are their names, relative to the location, in the order in which
	// they apply. None has to be there.
	Files() []string

	// Apply returns the location as the content of those that are there, by
	// name, has it. It has no Override.
	Apply(content map[string][]byte) (Location, error)
}

// Annotated are the objects with an annotation of which each value, between
// commas and without the spaces around it, is one of these.
type Annotated struct {
	Annotation string
	Values     []string
}

// Directory says which files of a folder are manifests, as Argo CD does. In its
// patterns * goes across slashes.
type Directory struct {
	Flat             bool   // folders below are left out
	Include, Exclude string // glob patterns, such as {a.yaml,b/*.yaml}; empty for all, and none
}

// KustomizeBuild is laid over the kustomization of a location, or over one of
// all its manifests where there is none. It also is for what a Helm location
// renders, as a post-renderer.
type KustomizeBuild struct {
	NamePrefix, NameSuffix string
	Namespace              string
	Labels                 []Labels
	Annotations            map[string]string
	Images                 []string // name, name=new, with :tag or @digest: as kustomize edit set image takes them
	Replicas               []Replicas
	Patches                []Patch
	Components             []string // relative to the location
	SkipMissingComponents  bool
	BuildMetadata          []string // originAnnotations, transformerAnnotations
}

// Labels are labels that Kustomize gives to all objects.
type Labels struct {
	Pairs                map[string]string
	Selectors, Templates bool // are given them as well
}

// Replicas is a number of replicas for the workloads of a name.
type Replicas struct {
	Name  string
	Count int64
}

// Patch is a patch for Kustomize.
type Patch struct {
	Patch   string       // inline; empty if Path says where it is
	Path    string       // relative to the location
	Target  *PatchTarget // nil where the patch itself names its object
	Options map[string]bool
}

// PatchTarget selects what a patch is for. Empty fields select everything.
type PatchTarget struct {
	Group, Version, Kind, Name, Namespace string
	LabelSelector, AnnotationSelector     string
}

// HelmBuild says how a chart is rendered. Without a release name it is the last
// folder of the path, or the chart's name in the root; without a namespace it
// is the location's.
type HelmBuild struct {
	ReleaseName string
	Namespace   string   // .Release.Namespace
	ValueFiles  []string // in order; relative to the chart, or with a / in front to the root; $name/… of a reference; * and ** stand for any in order of name, those listed by themselves left out
	Values      string   // YAML, after the files; may be empty
	Set         []SetValue
	SetFile     []SetValue // Value is a file's path, relative to the chart

	// Concealed is, if Secrets' values went into Values, the same with others in
	// their place: the fields that it would make different are never shown.
	Concealed string

	SkipCRDs, SkipTests, SkipHooks bool
	SkipMissingValueFiles          bool
	SkipSchema                     bool // values aren't held against values.schema.json

	KubeVersion string   // empty for the renderer's
	APIVersions []string // beside those that Helm knows; nil for the renderer's
}

// In is the build with what a cluster is to charts, where it doesn't say that
// itself.
func (b HelmBuild) In(kubeVersion string, apiVersions []string) HelmBuild {
	b.KubeVersion = cmp.Or(b.KubeVersion, kubeVersion)
	if b.APIVersions == nil {
		b.APIVersions = apiVersions
	}
	return b
}

// SetValue is one value of a chart, by a path such as a.b[0].c. As with helm's
// --set, {a,b} is a list; a comma anywhere else needs no backslash.
type SetValue struct {
	Name, Value string
	Text        bool // taken as text, whatever it looks like
}

// JsonnetBuild is what Jsonnet files are given. Where it isn't nil, the
// .jsonnet files among the manifests of a folder are evaluated, too: each to
// an object or a list of them.
type JsonnetBuild struct {
	ExtVars, TLAs []JsonnetVariable
	Libraries     []string // folders, relative to the repository's root
}

// JsonnetVariable is a variable of Jsonnet. Code is evaluated; else Value is
// text.
type JsonnetVariable struct {
	Name, Value string
	Code        bool
}

// Substitution replaces ${name} in what is rendered, as Flux's postBuild does.
type Substitution struct {
	Values  map[string]string
	Secret  []string // names in Values whose value came from a Secret: what it makes is never shown
	Strict  bool     // a name without a value is an error
	OptOut  string   // objects with this label or annotation set to Disabled are left alone
	Disable string   // the value of OptOut that does so
}

// Decryption is what Flux decrypts with what SOPS encrypted.
type Decryption struct {
	// Keys are the age and OpenPGP keys that gitonly may read: the entries of a
	// Secret, whose names end with .agekey and .asc. They are never shown.
	Keys map[string]string

	// Why, if not empty, says why there is none.
	Why string
}

// Marks are what the agent adds to each object that it applies.
type Marks struct {
	Labels, Annotations map[string]string

	// TrackingAnnotation, if not empty, is set to Argo CD's tracking id:
	// application:group/kind:namespace/name. The namespace of an object that
	// names none is the location's, also of one that is cluster-scoped.
	TrackingAnnotation  string
	TrackingApplication string

	// SkipDefinitions leaves CustomResourceDefinitions without any of these.
	SkipDefinitions bool
}

// FieldIgnore names fields that don't count in some objects.
type FieldIgnore struct {
	Group, Kind     string // glob patterns; the empty group is the core one
	Namespace, Name string // empty for any

	Pointers []string // JSON pointers: /spec/replicas
	JQ       []string // jq path expressions: .spec.containers[] | select(.name == "web")
	Managers []string // field managers, whose fields don't count
}
