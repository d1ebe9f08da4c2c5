package provenance

import (
	"strconv"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
)

func setReplicas(replica types.Replica, at place, items []*item) {
	count := strconv.FormatInt(replica.Count, 10)
	for _, it := range items {
		if it.is(func(id resid.ResId) bool { return id.Name == replica.Name }) {
			it.then(func(it *item) []claim { return replicaClaims(it, count, at) })
		}
	}
}

// replicaClaims finds spec.replicas, or what else a configuration says is the
// number of replicas: that is a number which changed to it.
func replicaClaims(it *item, count string, at place) []claim {
	var changed []claim
	spec, _ := it.final["spec"].(map[string]any)
	if _, has := spec["replicas"]; has {
		return []claim{{at, "spec.replicas", count, true}}
	}
	it.eachLeaf(func(path string, value any) {
		if before, had := it.values[path]; had && before != count && scalar(value) == count {
			changed = append(changed, claim{at, path, count, true})
		}
	})
	return changed
}
