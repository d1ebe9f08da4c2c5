package v1alpha1

// Verify says what has to be signed, and by whom, for a commit to count as Git.
type Verify struct {
	// mode says what has to be signed: HEAD, the default, is the commit that
	// ref names; Tag is the annotated tag that ref.tag or ref.semver comes to;
	// TagAndHEAD is both.
	// +optional
	// +default="HEAD"
	Mode VerifyMode `json:"mode,omitempty"`

	// secretRef names a Secret in gitonly's own namespace with the public keys
	// of those who may sign. Each of its keys, such as alice.asc, holds OpenPGP
	// keys in armor, or SSH keys as in an authorized_keys or an allowed_signers
	// file, one a line.
	// +required
	SecretRef SecretReference `json:"secretRef"`
}

// VerifyMode says what has to be signed.
//
// +kubebuilder:validation:Enum=HEAD;Tag;TagAndHEAD
type VerifyMode string

// The modes.
const (
	VerifyHEAD       VerifyMode = "HEAD"
	VerifyTag        VerifyMode = "Tag"
	VerifyTagAndHEAD VerifyMode = "TagAndHEAD"
)
