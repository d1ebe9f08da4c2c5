package gitindex

import "encoding/json"

// claim returns the Secret that a declared object has its controller make, if
// it is of a kind that does.
func claim(d *Declared) (secret Key, ok bool) {
	var object struct {
		Spec struct {
			SecretName string `json:"secretName"`
			Target     struct {
				Name string `json:"name"`
			} `json:"target"`
		} `json:"spec"`
	}
	secret = Key{Kind: "Secret", Namespace: d.Key.Namespace, Name: d.Key.Name}
	switch d.Key.Group + "/" + d.Key.Kind {
	case "bitnami.com/SealedSecret":
		return secret, true
	case "external-secrets.io/ExternalSecret":
		if json.Unmarshal(d.Manifest.JSON(), &object) == nil && object.Spec.Target.Name != "" {
			secret.Name = object.Spec.Target.Name
		}
		return secret, true
	case "cert-manager.io/Certificate":
		if json.Unmarshal(d.Manifest.JSON(), &object) != nil || object.Spec.SecretName == "" {
			return Key{}, false // nothing that the API server would take
		}
		secret.Name = object.Spec.SecretName
		return secret, true
	}
	return Key{}, false
}
