package render

import "gitonly.dev/gitonly/pkg/gitindex"

// conceal hides the fields that Secrets' values in a chart's values made: those
// that are different when it is rendered once more with others in their place.
// Where that goes wrong, all fields are hidden.
func conceal(objects []object, at gitindex.Location, again func(gitindex.Location) ([]object, error)) {
	if at.Build.Helm == nil || at.Build.Helm.Concealed == "" {
		return
	}
	helm := *at.Build.Helm
	helm.Values, helm.Concealed = helm.Concealed, ""
	at.Build.Helm = &helm
	others, err := again(at)
	if err != nil {
		others = nil
	}
	byName := map[identity]map[string]any{}
	for i := range others {
		byName[identityOf(&others[i])] = others[i].fields
	}
	for i := range objects {
		objects[i].hide(differences(objects[i].fields, byName[identityOf(&objects[i])]))
	}
}
