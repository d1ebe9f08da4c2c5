package sweep

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// command is kubectl at work on several objects, without changing them.
type command struct {
	way     string // how the figures call it
	args    []string
	objects []map[string]any
}

// commands are what people do with kubectl.
func (s *scene) commands(git, live []map[string]any) []command {
	builtIn := slices.DeleteFunc(slices.Clone(live), func(object map[string]any) bool { return !isBuiltIn(object) })
	all := []command{
		{args: []string{"apply"}, objects: git},
		{way: "apply of the object as it is", args: []string{"apply"}, objects: live},
		{args: []string{"apply", "--server-side"}, objects: git},
		{args: []string{"apply", "--server-side", "--force-conflicts"}, objects: git},
		{args: []string{"apply", "--server-side", "--force-conflicts", "--field-manager=kustomize-controller"}, objects: git},
		{args: []string{"replace"}, objects: live},
		{args: []string{"patch", "--type=merge", "--patch={}"}, objects: live},
		{args: []string{"patch", "--type=strategic", "--patch={}"}, objects: builtIn},
		{args: []string{"patch", "--type=json", "--patch=[]"}, objects: live},
	}
	all = append(all, each("label", "labels", live)...)
	return append(all, each("annotate", "annotations", live)...)
}

// each has a verb write one pair that an object has, once for each such pair.
func each(verb, member string, live []map[string]any) []command {
	by := map[string][]map[string]any{}
	for _, object := range live {
		pairs, _ := field{"metadata", member}.get(object)
		texts, _ := pairs.(map[string]any)
		if len(texts) == 0 {
			continue
		}
		name := slices.Min(slices.Collect(maps.Keys(texts)))
		pair := fmt.Sprintf("%s=%s", name, texts[name])
		by[pair] = append(by[pair], object)
	}
	var all []command
	for _, pair := range slices.Sorted(maps.Keys(by)) {
		all = append(all, command{way: verb + " --overwrite with the value that is there", args: []string{verb, "--overwrite", pair}, objects: by[pair]})
	}
	return all
}

// byKubectl runs the commands, some at a time.
func (s *scene) byKubectl(t *testing.T) []tally {
	var git, live []map[string]any
	for _, thing := range s.things {
		object, err := thing.live(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		git, live = append(git, thing.applied), append(live, object.Object)
	}
	commands := s.commands(git, live)
	found := make([]tally, len(commands))
	err := sideBySide(len(commands), func(i int) (err error) {
		found[i], err = s.runKubectl(t, commands[i])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return append(joined(found), s.edit(t, live))
}

func (s *scene) runKubectl(t *testing.T, c command) (tally, error) {
	count := tally{way: "kubectl " + strings.Join(c.args, " ")}
	if c.way != "" {
		count.way = "kubectl " + c.way
	}
	file, err := manifests(c.objects)
	if err != nil {
		return count, err
	}
	cmd := s.kubectl(t.Context(), "admin", append(c.args, "--dry-run=server", "-f", "-")...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(file), &stderr
	out, _ := cmd.Output()                       // it fails if any object is refused
	count.tried = bytes.Count(out, []byte("\n")) // it says a line for each
	// A conflict is one of spelling: the API server has dropped what Git spells out.
	count.invalid = strings.Count(stderr.String(), "Apply failed with")
	for message := range strings.SplitSeq(stderr.String(), "Error from server") {
		if _, ours := denied(fmt.Errorf("%s", message)); ours {
			count.tried, count.refused = count.tried+1, count.refused+1
			t.Errorf("%s: %s", count.way, message)
		} else if strings.HasPrefix(message, " (") {
			count.invalid++
			t.Logf("%s: the API server refuses: %s", count.way, message)
		}
	}
	if count.tried+count.invalid < len(c.objects) {
		t.Errorf("%s wrote %d of %d objects:\n%s%s", count.way, count.tried+count.invalid, len(c.objects), out, stderr.String())
	}
	return count, nil
}

// edit leaves an editor without having changed anything.
func (s *scene) edit(t *testing.T, live []map[string]any) tally {
	count := tally{way: "kubectl edit, without a change"}
	file, err := manifests(live)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(s.dir, "edit.yaml")
	if err := write(name, string(file)); err != nil {
		t.Fatal(err)
	}
	cmd := s.kubectl(t.Context(), "admin", "edit", "-f", name)
	cmd.Env = append(cmd.Environ(), "EDITOR=true", "TMPDIR="+s.dir)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "no changes made") {
		count.refused = len(live)
		t.Errorf("%s: %v\n%s", count.way, err, out)
	}
	count.tried = len(live)
	return count
}
