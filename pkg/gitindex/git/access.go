package git

import "fmt"

// access is what a fetch knows of who it is.
type access struct {
	Credentials
	secret string // the Secret they are from; empty if from none
}

// checkSecret says where to look when a server didn't like the credentials.
func (a access) checkSecret() string {
	if a.secret == "" {
		return "check the user and password in the URL"
	}
	return fmt.Sprintf("check Secret %q", a.secret)
}

// in names the place where a key that is needed would go.
func (a access) in(key string) string {
	if a.secret == "" {
		return fmt.Sprintf("set secretRef to a Secret with %s", key)
	}
	return fmt.Sprintf("add %s to Secret %q", key, a.secret)
}

// ofSecret follows the name of a key that is there.
func (a access) ofSecret() string {
	if a.secret == "" {
		return ""
	}
	return fmt.Sprintf(" in Secret %q", a.secret)
}
