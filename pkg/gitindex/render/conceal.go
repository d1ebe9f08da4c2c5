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
	byName := map[[4]string]map[string]any{}
	for i := range others {
		byName[identity(others[i].fields)] = others[i].fields
	}
	for i := range objects {
		objects[i].hide(differences(objects[i].fields, byName[identity(objects[i].fields)]))
	}
}

func identity(fields map[string]any) [4]string {
	metadata, _ := fields["metadata"].(map[string]any)
	version, _ := text(fields, "apiVersion")
	kind, _ := text(fields, "kind")
	namespace, _ := text(metadata, "namespace")
	name, _ := text(metadata, "name")
	return [4]string{version, kind, namespace, name}
}
