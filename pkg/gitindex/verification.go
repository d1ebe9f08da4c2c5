package gitindex

// Verification says what of a revision has to be signed, and by whom, for it to
// count as Git. The zero value asks for nothing.
type Verification struct {
	Mode VerifyMode
	Keys SecretRef // holds the public keys; of Argo CD's form, its ConfigMap of them

	// Only, where the keys are Argo CD's, are the IDs or fingerprints of those
	// that may sign, with commas between them. A subkey has an ID of its own.
	Only string
}

// VerifyMode says what has to be signed.
type VerifyMode string

// The modes. A tag is an annotated one: others are but names.
const (
	VerifyNothing    VerifyMode = ""
	VerifyHEAD       VerifyMode = "HEAD" // the commit
	VerifyTag        VerifyMode = "Tag"
	VerifyTagAndHEAD VerifyMode = "TagAndHEAD"

	// Of a revision that isn't reached by a tag, these are HEAD.
	VerifyTagOrHEAD     VerifyMode = "TagOrHEAD" // the tag alone
	VerifyAnyTagAndHEAD VerifyMode = "AnyTagAndHEAD"
)

// Asks says which signatures of a revision count: all that it returns true for
// have to be good.
func (v Verification) Asks(revision Revision) (commit, tag bool) {
	tagged := revision.Tag != ""
	switch v.Mode {
	case VerifyNothing:
		return false, false
	case VerifyTag:
		return false, true
	case VerifyTagAndHEAD:
		return true, true
	case VerifyTagOrHEAD:
		return !tagged, tagged
	case VerifyAnyTagAndHEAD:
		return true, tagged
	default:
		return true, false
	}
}
