package render

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/kustomization"
	"gitonly.dev/gitonly/pkg/gitindex/render/internal/sops"
)

// decryption is what the agent decrypts with, as far as gitonly has it too.
type decryption struct {
	keys sops.Keys
	why  error // there is no key
}

// newDecryption returns nil where the agent decrypts nothing.
func newDecryption(with *gitindex.Decryption) *decryption {
	if with == nil {
		return nil
	}
	d := &decryption{}
	if with.Why != "" {
		d.why = errors.New(with.Why)
		return d
	}
	d.keys, d.why = sops.ParseKeys(with.Keys)
	return d
}

// reason is why something couldn't be decrypted.
func (d *decryption) reason(what string, err error) string {
	return fmt.Sprintf("%s: %v", what, cmp.Or(d.why, err))
}

// sources are the files that Flux decrypts before it builds a kustomization.
type sources struct {
	content   map[string][]byte // of those that are decrypted, or read otherwise than they are
	sealed    map[string][]byte // what may as well be in those that can't be decrypted
	encrypted map[string][]byte // those that are decrypted, as they are in Git
	why       string            // one can't be decrypted
}

// sources decrypts the files of a tree.
func (d *decryption) sources(tree *kustomization.Tree) sources {
	s := sources{content: map[string][]byte{}, sealed: map[string][]byte{}, encrypted: map[string][]byte{}}
	if d == nil {
		return s
	}
	for _, file := range tree.SecretFiles() {
		data, err := fs.ReadFile(tree.Files, file.File)
		format := sops.FormatOf(file.Name)
		if file.Env && format == sops.Binary {
			format = sops.Dotenv
		}
		if err != nil || !sops.Marked(data, format) {
			continue
		}
		left := data
		if file.Env {
			left = sops.WithoutMetadata(data)
		}
		decrypted, err := d.keys.File(data, format, format)
		if err == nil {
			s.content[file.File], s.encrypted[file.File] = decrypted, left
			continue
		}
		s.content[file.File], s.sealed[file.File] = left, otherwise(left)
		s.why = cmp.Or(s.why, d.reason(file.File, err))
	}
	return s
}

// with is the content of all files, with other content in some.
func (s sources) with(other map[string][]byte) map[string][]byte {
	all := maps.Clone(s.content)
	maps.Copy(all, other)
	return all
}

// otherwise is encrypted data with other values.
func otherwise(data []byte) []byte {
	return []byte(strings.ReplaceAll(string(data), "ENC[AES256_GCM,data:", "ENC[AES256_GCM,data:A"))
}

var (
	errDecrypted = errors.New("it can't be built with what is decrypted in it; the error may quote that and isn't shown")
	errUnlike    = errors.New("what is encrypted decides which objects there are: give gitonly the key")
)

// decryptedBuild builds a kustomization of which Flux decrypts files. What
// depends on them is found by building it once more with others.
func (b *builder) decryptedBuild(tree *kustomization.Tree) ([]object, error) {
	s := newDecryption(b.work.Decryption).sources(tree)
	with := tree.Replacing(s.content)
	fields, err := b.build(with)
	if err != nil && len(s.encrypted) > 0 {
		if _, err := b.build(tree.Replacing(s.with(s.encrypted))); err != nil {
			return nil, err
		}
		return nil, errDecrypted
	}
	if err != nil {
		return nil, err
	}
	origins := b.trace(with, fields)
	objects := make([]object, len(fields))
	for i := range fields {
		objects[i] = object{fields: fields[i], file: origins[i].File, line: origins[i].Line, sets: origins[i].Fields}
	}
	if len(s.sealed) > 0 {
		if err := b.seal(tree, s, objects); err != nil {
			return nil, err
		}
	}
	if len(s.encrypted) > 0 {
		b.note(tree, s, objects)
	}
	return objects, nil
}

// seal makes opaque what comes of files that can't be decrypted.
func (b *builder) seal(tree *kustomization.Tree, s sources, objects []object) error {
	others, err := b.build(tree.Replacing(s.with(s.sealed)))
	if err != nil {
		return err
	}
	if !align(objects, others, true) {
		return errUnlike
	}
	for i := range objects {
		objects[i].seal(others[i], s.why)
	}
	return nil
}

// note notes what comes of files that were decrypted: all, if that can't be told.
func (b *builder) note(tree *kustomization.Tree, s sources, objects []object) {
	others, err := b.build(tree.Replacing(s.with(s.encrypted)))
	if err != nil || !align(objects, others, false) {
		others = make([]map[string]any, len(objects))
	}
	for i := range objects {
		objects[i].secrets = append(objects[i].secrets, differing(objects[i].fields, others[i])...)
	}
}

// align makes the objects of another build bear the names of this one, and
// reports whether they are the same but for that. Those whose name is a hash of
// what differs are generated, if they are to be told.
func align(objects []object, others []map[string]any, tell bool) bool {
	if len(objects) != len(others) {
		return false
	}
	var pairs []string
	for i := range objects {
		one, other := identityOf(&objects[i]), identityOf(&object{fields: others[i]})
		if one == other {
			continue
		}
		base, ok := withoutHash(one.name)
		otherBase, otherOK := withoutHash(other.name)
		if !ok || !otherOK || base != otherBase {
			return false
		}
		pairs = append(pairs, other.name, one.name)
		if other.name = one.name; one != other {
			return false
		}
		if tell {
			objects[i].generated = base
		}
	}
	replacer := strings.NewReplacer(pairs...)
	for i := range others {
		others[i] = renamed(others[i], replacer).(map[string]any)
	}
	return true
}

func withoutHash(name string) (string, bool) {
	at := strings.LastIndexByte(name, '-')
	return name[:max(at, 0)], at > 0
}

func renamed(value any, names *strings.Replacer) any {
	switch v := value.(type) {
	case string:
		return names.Replace(v)
	case map[string]any:
		for name, member := range v {
			v[name] = renamed(member, names)
		}
	case []any:
		for i, item := range v {
			v[i] = renamed(item, names)
		}
	}
	return value
}

// decrypt decrypts objects as Flux does once they are built: what SOPS
// encrypted as a whole, and the data of Secrets one by one.
func (j *job) decrypt(objects []object) {
	d := newDecryption(j.at.Build.Decryption)
	if d == nil {
		return
	}
	for i := range objects {
		o := &objects[i]
		metadata, _ := o.fields["metadata"].(map[string]any)
		if own, _ := metadata["annotations"].(map[string]any); strings.EqualFold(asText(own[fluxDecrypt]), "disabled") {
			continue
		}
		if own, _ := o.fields["sops"].(map[string]any); asText(own["mac"]) != "" {
			d.object(o)
		} else if kind, _ := text(o.fields, "kind"); kind == "Secret" {
			d.data(o)
		}
	}
}

// fluxDecrypt is an annotation that keeps Flux from decrypting an object.
const fluxDecrypt = "kustomize.toolkit.fluxcd.io/decrypt"

func asText(value any) string {
	text, _ := value.(string)
	return text
}

func (d *decryption) object(o *object) {
	decrypted, err := d.keys.Object(o.fields)
	if err != nil {
		o.undecrypted = cmp.Or(o.undecrypted, d.reason(o.place(), err))
		return
	}
	o.secrets = append(o.secrets, differing(decrypted, o.fields)...)
	o.fields = decrypted
}

func (d *decryption) data(o *object) {
	data, _ := o.fields["data"].(map[string]any)
	var closed [][]any
	for _, key := range slices.Sorted(maps.Keys(data)) {
		raw, err := base64.StdEncoding.DecodeString(asText(data[key]))
		if err != nil {
			continue
		}
		format, ok := sops.Detect(raw)
		if !ok {
			continue
		}
		at := []any{"data", key}
		decrypted, err := d.keys.File(raw, format, sops.FormatOf(key))
		if err != nil {
			o.undecrypted = cmp.Or(o.undecrypted, d.reason(o.place(), err))
			closed = append(closed, at)
			continue
		}
		data[key] = base64.StdEncoding.EncodeToString(decrypted)
		o.secrets = append(o.secrets, at)
	}
	o.fields = sealed(o.fields, closed)
}
