// Package workload makes what benchmarks are run with: objects as Git declares
// them and as the API server keeps them, and requests that change them.
package workload

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

// Size is how much a Deployment has in it.
type Size struct{ Containers, Variables int }

// The sizes, by how large an AdmissionReview of an update is.
var (
	Small = Size{Containers: 1, Variables: 1}  // about 4 KB
	Large = Size{Containers: 5, Variables: 34} // about 40 KB
)

type object = map[string]any

// Deployment is one in namespace staging, as Git declares it.
func Deployment(name string, replicas int, size Size) map[string]any {
	labels := object{"app": name}
	containers := make([]any, size.Containers)
	for i := range containers {
		env := make([]any, size.Variables)
		for j := range env {
			env[j] = object{"name": fmt.Sprintf("SETTING_%d", j), "value": fmt.Sprintf("value-%d", j)}
		}
		containers[i] = object{
			"name": fmt.Sprintf("web-%d", i), "image": "registry.example.com/shop/web:1.25.3", "env": env,
			"ports":     []any{object{"containerPort": 8080}},
			"resources": object{"requests": object{"cpu": "100m", "memory": "128Mi"}},
		}
	}
	return object{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": object{"name": name, "namespace": "staging", "labels": labels},
		"spec": object{
			"replicas": replicas, "selector": object{"matchLabels": labels},
			"template": object{"metadata": object{"labels": labels}, "spec": object{"containers": containers}},
		},
	}
}

// live is a Deployment as the API server keeps it: with its defaults, a status,
// and managedFields of the agent that applied it and of managers that updated
// its replicas.
func live(declared map[string]any, managers ...string) map[string]any {
	entries := []any{entry("kustomize-controller", "Apply", owned(object{"metadata": object{"labels": inside(declared, "metadata")["labels"]}, "spec": declared["spec"]}))}
	for _, manager := range managers {
		entries = append(entries, entry(manager, "Update", object{"f:spec": object{"f:replicas": object{}}}))
	}
	metadata := maps.Clone(inside(declared, "metadata"))
	maps.Copy(metadata, object{
		"uid": "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", "resourceVersion": "184467", "generation": 7, "creationTimestamp": "2026-03-01T10:00:00Z",
		"annotations": object{"deployment.kubernetes.io/revision": "3"}, "managedFields": entries,
	})
	pods := maps.Clone(inside(declared, "spec", "template", "spec"))
	maps.Copy(pods, object{
		"restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst", "securityContext": object{}, "schedulerName": "default-scheduler",
	})
	var containers []any
	for _, c := range pods["containers"].([]any) {
		container := maps.Clone(c.(object))
		maps.Copy(container, object{
			"imagePullPolicy": "IfNotPresent", "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
			"ports": []any{object{"containerPort": 8080, "protocol": "TCP"}},
		})
		containers = append(containers, container)
	}
	pods["containers"] = containers
	spec := maps.Clone(inside(declared, "spec"))
	maps.Copy(spec, object{
		"template":             object{"metadata": inside(declared, "spec", "template", "metadata"), "spec": pods},
		"strategy":             object{"type": "RollingUpdate", "rollingUpdate": object{"maxSurge": "25%", "maxUnavailable": "25%"}},
		"revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
	})
	return object{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec,
		"status": object{"observedGeneration": 7, "replicas": 3, "readyReplicas": 3, "updatedReplicas": 3, "availableReplicas": 3},
	}
}

func inside(value object, names ...string) object {
	for _, name := range names {
		value = value[name].(object)
	}
	return value
}

func entry(manager, operation string, fields object) object {
	return object{"manager": manager, "operation": operation, "apiVersion": "apps/v1", "time": "2026-03-01T10:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": fields}
}

// owned is fieldsV1 of a value: all its fields.
func owned(value any) object {
	fields := object{}
	switch v := value.(type) {
	case object:
		for name, member := range v {
			fields["f:"+name] = owned(member)
		}
	case []any:
		for _, item := range v {
			item := item.(object)
			key := object{"name": item["name"]}
			if port, ok := item["containerPort"]; ok {
				key = object{"containerPort": port, "protocol": "TCP"}
			}
			below := owned(item)
			below["."] = object{}
			fields["k:"+strings.TrimSpace(string(encode(key)))] = below
		}
	}
	return fields
}

// encode writes what this package makes, which can't go wrong.
func encode(value any) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return encoded
}
