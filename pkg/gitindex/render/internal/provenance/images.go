package provenance

import (
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func setImage(image types.Image, at place, items []*item) {
	named, err := regexp.Compile("^" + image.Name + `(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$`)
	if err != nil {
		return
	}
	for _, it := range items {
		it.then(func(it *item) []claim {
			var all []claim
			for _, path := range sortedKeys(it.values) {
				before := it.values[path]
				if !named.MatchString(before) {
					continue
				}
				after := newImage(before, image)
				// Other fields that hold images are known to Kustomize only;
				// there the result must be right.
				if isContainerImage(path) || it.finally(path) == after {
					all = append(all, claim{at, path, after, true})
				}
			}
			return all
		})
	}
}

func isContainerImage(path string) bool {
	steps := gitindex.SplitPath(path)
	if len(steps) < 3 || steps[len(steps)-1] != "image" {
		return false
	}
	switch steps[len(steps)-3] {
	case "containers", "initContainers":
		return true
	}
	return false
}

// finally is the scalar at a path of the finished object.
func (it *item) finally(path string) string {
	var found string
	it.eachLeaf(func(p string, value any) {
		if p == path {
			found = scalar(value)
		}
	})
	return found
}

// newImage is what an entry of images makes of an image.
func newImage(before string, image types.Image) string {
	name, tag, digest := splitImage(before)
	if image.NewName != "" {
		name = image.NewName
	}
	switch {
	case image.NewTag != "":
		tag, digest = image.NewTag, image.Digest
	case image.Digest != "":
		tag, digest = "", image.Digest
	case image.TagSuffix != "":
		tag, digest = tag+image.TagSuffix, ""
	}
	if tag != "" {
		name += ":" + tag
	}
	if digest != "" {
		name += "@" + digest
	}
	return name
}

// splitImage takes a colon before the last slash for that of a port.
func splitImage(image string) (name, tag, digest string) {
	name, digest, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		name, tag = name[:colon], name[colon+1:]
	}
	return name, tag, digest
}
