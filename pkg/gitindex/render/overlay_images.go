package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
)

// setImages lays images over those of a kustomization: field by field for
// Flux, and otherwise as kustomize edit set image does, which replaces entries,
// and keeps of them what is an asterisk in the new ones.
func setImages(spec *types.Kustomization, texts []string, flux bool) error {
	for _, text := range texts {
		image, err := imageOf(text)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(spec.Images, func(i types.Image) bool { return i.Name == image.Name })
		switch {
		case at < 0:
			spec.Images = append(spec.Images, kept(image, types.Image{}))
		case flux:
			spec.Images[at] = updated(spec.Images[at], image)
		default:
			spec.Images[at] = kept(image, spec.Images[at])
		}
	}
	if !flux && len(texts) > 0 {
		slices.SortStableFunc(spec.Images, func(a, b types.Image) int { return cmp.Compare(a.Name, b.Name) })
	}
	return nil
}

// imageOf reads name:tag, name@digest, name=new, and name=new with a tag and a
// digest.
func imageOf(text string) (types.Image, error) {
	name, value, renamed := strings.Cut(text, "=")
	if !renamed {
		name, value = "", text
	}
	base, digest, _ := strings.Cut(value, "@")
	tag := ""
	if colon := strings.LastIndexByte(base, ':'); colon > strings.LastIndexByte(base, '/') {
		base, tag = base[:colon], base[colon+1:]
	}
	if !renamed {
		if tag == "" && digest == "" {
			return types.Image{}, fmt.Errorf("the image %s has neither a new name nor a tag nor a digest: give it one", text)
		}
		return types.Image{Name: base, NewTag: tag, Digest: digest}, nil
	}
	return types.Image{Name: name, NewName: base, NewTag: tag, Digest: digest}, nil
}

func kept(image, old types.Image) types.Image {
	keep := func(field *string, old string) {
		if *field == "*" {
			*field = old
		}
	}
	keep(&image.NewName, old.NewName)
	keep(&image.NewTag, old.NewTag)
	keep(&image.Digest, old.Digest)
	return image
}

// updated takes tag and digest together: they both choose the version.
func updated(old, image types.Image) types.Image {
	set(&old.NewName, image.NewName)
	if image.NewTag != "" || image.Digest != "" {
		old.NewTag, old.Digest = image.NewTag, image.Digest
	}
	return old
}
