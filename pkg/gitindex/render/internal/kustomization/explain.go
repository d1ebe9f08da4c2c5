package kustomization

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Explain says in one line, with the file and the line where they are known,
// why Kustomize could not build the tree. Of what is known to be wrong, the
// first fault in the files says most; refused is what the file system did not
// give; the rest is in Kustomize's own words, without their wrapping.
func (t *Tree) Explain(err, refused error) error {
	switch {
	case t.Problem != nil:
		return t.Problem
	case refused != nil:
		return refused
	}
	u := unwrapper{message: err.Error(), dir: t.Root.Dir}
	u.run()
	for _, known := range phrases {
		if found := known.pattern.FindStringSubmatch(u.message); found != nil {
			if better := known.explain(t, t.layerIn(u.dir), found[1:]); better != nil {
				better.Err = &reworded{better.Err.Error(), err}
				if better.File == "" { // an overlay's patch
					better.File, better.Line = t.Root.File, 0
				}
				return better
			}
		}
	}
	return &gitindex.RenderError{File: t.layerIn(u.dir).File, Err: &reworded{t.presentable(u.message), err}}
}

func (t *Tree) layerIn(dir string) *Layer {
	if l := t.layers[layerKey{dir: dir}]; l != nil {
		return l
	}
	return t.Root
}

// unwrapper takes the prefixes off one of Kustomize's messages, innermost
// cause last, and remembers which folder it is about.
type unwrapper struct {
	message string
	dir     string
}

var (
	inFolder = regexp.MustCompile(`^(?:recursed accumulation of|recursed merging from|couldn't make target for) path '(.*?)': `)
	noise    = regexp.MustCompile(`^(?:` + strings.Join([]string{
		`accumulating (?:resources|components): `,
		`accumulating resources from '.*?': `,
		`merging resources from '.*?': `,
		`loading (?:generator plugins|KV pairs): `,
		`configuring external (?:generator|transformer): `,
		`(?:env|file) source(?: file)?s: \[.*?\]: `,
		`plugin \S+ fails configuration: `,
		`failed to (?:load generator|get the patch file from path\(.*?\)): `,
		`unable to find patch target ".*?" in .resources.: `,
	}, "|") + `)`)
	pluginConfig  = regexp.MustCompile("(?s)^trouble configuring builtin \\w+ with config: `.*?\\n`: ")
	fromGenerator = regexp.MustCompile(`(?s)^merging from generator &\{.*?\}: `)
	quotedRest    = regexp.MustCompile(`(?s)^(?:accumulateDirectory: |loader\.New )(".*")$`)
	triedAsFile   = regexp.MustCompile(`(?s)^accumulation err='.*? is a folder': `)
	isNoFolder    = regexp.MustCompile(`(?s)^accumulation err='(.*)': must build at directory: `)
)

func (u *unwrapper) run() {
	for u.step() {
	}
	u.message = strings.TrimSpace(u.message)
}

func (u *unwrapper) step() bool {
	if found := inFolder.FindStringSubmatch(u.message); found != nil {
		if dir, err := local(found[1]); err == nil {
			u.dir = dir
		}
		u.message = u.message[len(found[0]):]
		return true
	}
	for _, prefix := range []*regexp.Regexp{noise, pluginConfig, fromGenerator, triedAsFile} {
		if at := prefix.FindStringIndex(u.message); at != nil {
			u.message = u.message[at[1]:]
			return true
		}
	}
	if found := quotedRest.FindStringSubmatch(u.message); found != nil {
		if inner, err := strconv.Unquote(found[1]); err == nil {
			u.message = inner
			return true
		}
	}
	if found := isNoFolder.FindStringSubmatch(u.message); found != nil {
		u.message = found[1]
		return true
	}
	return false
}

// maxMessage is how much of Kustomize's own words an error may have.
const maxMessage = 300

var dumped = regexp.MustCompile("(?s)[\\[{&]+\\{.*\\}[\\]}]*|\\[(?:patch|path): \".*\"\\]|`[^`]*\\n[^`]*`|\\[\\d+(?: \\d+)+\\]")

// presentable makes a message of Kustomize fit to be shown: in one line, with
// paths of the repository, and without objects and secrets in it.
func (t *Tree) presentable(message string) string {
	message = dumped.ReplaceAllString(message, "…")
	message = strings.ReplaceAll(message, Mount+"/", "")
	message = strings.ReplaceAll(message, Mount, ".")
	message = strings.Join(strings.Fields(message), " ")
	for _, secret := range t.secrets() {
		message = strings.ReplaceAll(message, secret, "…")
	}
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	if message == "" {
		return "Kustomize can't build it"
	}
	return "Kustomize can't build it: " + message
}

// below is a path as seen from a layer, in terms of the repository.
func (l *Layer) below(entry string) string { return path.Join(l.Dir, entry) }
