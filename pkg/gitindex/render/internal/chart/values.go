package chart

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// values merges what the build sets, as helm's --values, --set, --set-string
// and --set-file do, in that order.
func values(tree fs.FS, dir string, build gitindex.HelmBuild) (map[string]any, *Fault) {
	merged := map[string]any{}
	names, fault := valueFiles(tree, dir, build)
	if fault != nil {
		return nil, fault
	}
	for _, name := range names {
		data, err := fs.ReadFile(tree, name)
		if err != nil {
			return nil, unreadable(name, err)
		}
		some, err := loader.LoadValues(bytes.NewReader(data))
		if err != nil {
			return nil, yamlFault(name, err)
		}
		merged = loader.MergeMaps(merged, some)
	}
	some, err := loader.LoadValues(strings.NewReader(build.Values))
	if err != nil {
		fault := yamlFault("", err)
		fault.Text = "the values of the source: " + fault.Text
		return nil, fault
	}
	merged = loader.MergeMaps(merged, some)
	for _, text := range []bool{false, true} {
		for _, set := range build.Set {
			if set.Text != text {
				continue
			}
			parse := strvals.ParseInto
			if text {
				parse = strvals.ParseIntoString
			}
			if err := parse(set.Name+"="+oneValue(set.Value), merged); err != nil {
				return nil, unsettable(set.Name)
			}
		}
	}
	for _, set := range build.SetFile {
		at, fault := existing(tree, dir, set.Value)
		if fault != nil {
			return nil, &fault.Fault
		}
		data, err := fs.ReadFile(tree, at)
		if err != nil {
			return nil, unreadable(at, err)
		}
		read := func([]rune) (any, error) { return string(data), nil }
		if err := strvals.ParseIntoFile(set.Name+"=x", merged, read); err != nil {
			return nil, unsettable(set.Name)
		}
	}
	return merged, nil
}

// unsettable doesn't show what is wrong: that may be in the value.
func unsettable(name string) *Fault {
	return &Fault{Text: fmt.Sprintf("%s can't be set: correct its path or its value, as helm template --set takes them", name)}
}

// oneValue keeps commas from ending a value, except in a list: {a,b}.
func oneValue(value string) string {
	if strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") {
		return value
	}
	var b strings.Builder
	for i := range len(value) {
		if value[i] == ',' && (i == 0 || value[i-1] != '\\') {
			b.WriteByte('\\')
		}
		b.WriteByte(value[i])
	}
	return b.String()
}

// valueFiles are the files in the tree that the build names, in order, each
// once. A pattern stands for what it matches and nothing else names.
func valueFiles(tree fs.FS, dir string, build gitindex.HelmBuild) ([]string, *Fault) {
	named := map[string]bool{}
	for _, name := range build.ValueFiles {
		if at, fault := resolve(dir, name); fault == nil && !isPattern(at) {
			named[at] = true
		}
	}
	var all []string
	add := func(at string) {
		if !slices.Contains(all, at) {
			all = append(all, at)
		}
	}
	for _, name := range build.ValueFiles {
		at, fault := resolve(dir, name)
		if fault != nil {
			return nil, fault
		}
		if isPattern(at) {
			found, fault := matches(tree, at)
			if fault != nil {
				return nil, fault
			}
			if len(found) == 0 && !build.SkipMissingValueFiles {
				return nil, &Fault{Text: fmt.Sprintf("no value file matches %s (%s): correct the pattern in the source, or add one", name, at)}
			}
			for _, match := range found {
				if !named[match] {
					add(match)
				}
			}
			continue
		}
		if _, fault := existing(tree, dir, name); fault != nil {
			if build.SkipMissingValueFiles && fault.missing {
				continue
			}
			return nil, &fault.Fault
		}
		add(at)
	}
	return all, nil
}

// absentFile is a fault of a file that is named; missing if it isn't there.
type absentFile struct {
	Fault
	missing bool
}

// resolve is the path in the tree of a file that the build names.
func resolve(dir, name string) (string, *Fault) {
	var at string
	switch {
	case strings.Contains(name, "://"):
		return "", &Fault{Text: fmt.Sprintf("the value file %s is not fetched: commit it, and name its path", redacted(name))}
	case strings.HasPrefix(name, "/"):
		at = path.Clean(strings.TrimLeft(name, "/"))
	case strings.HasPrefix(name, "$"):
		at = path.Clean(name)
	default:
		at = path.Join(dir, name)
	}
	if !fs.ValidPath(at) {
		return "", &Fault{Text: fmt.Sprintf("the value file %s: the path leads out of the repository", name)}
	}
	return at, nil
}

// redacted leaves out credentials and the query of a URL.
func redacted(url string) string {
	scheme, rest, _ := strings.Cut(url, "://")
	rest, _, _ = strings.Cut(rest, "?")
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		rest = rest[i+1:]
	}
	return scheme + "://" + rest
}

func existing(tree fs.FS, dir, name string) (string, *absentFile) {
	at, fault := resolve(dir, name)
	if fault != nil {
		return "", &absentFile{Fault: *fault}
	}
	info, err := fs.Stat(tree, at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", &absentFile{Fault{Text: fmt.Sprintf("the value file %s does not exist (%s): correct the path in the source, or add it", name, at)}, true}
	case err != nil:
		return "", &absentFile{Fault: *unreadable(at, err)}
	case info.IsDir():
		return "", &absentFile{Fault: Fault{Text: fmt.Sprintf("the value file %s is a folder (%s): name a file", name, at)}}
	}
	return at, nil
}

var yamlLine = regexp.MustCompile(`(?:^|: )yaml: (?:line (\d+): )?`)

// yamlFault says what is wrong with a file of YAML, without the reader's own
// wrapping and what it quotes.
func yamlFault(file string, err error) *Fault {
	text := err.Error()
	fault := &Fault{File: file, Text: text}
	if at := yamlLine.FindStringSubmatchIndex(text); at != nil {
		if at[2] >= 0 {
			fault.Line, _ = strconv.Atoi(text[at[2]:at[3]])
		}
		fault.Text = "invalid YAML: " + text[at[1]:]
		if strings.Contains(fault.Text, "unmarshal errors") || strings.Contains(fault.Text, "unknown anchor") {
			fault.Text = "invalid YAML"
		}
	}
	if strings.Contains(text, "cannot unmarshal") && strings.Contains(text, "json:") {
		fault.Text = "the values have to be a map"
	}
	return fault
}
