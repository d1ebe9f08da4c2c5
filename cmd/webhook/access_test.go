package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRefusedRequestsDontWaitForEachOther(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	const text = `{apiVersion: v1, kind: Config, current-context: a, contexts: [{name: a, context: {cluster: a}}], clusters: [{name: a, cluster: {server: "https://127.0.0.1:1"}}]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	access, err := clusterAccess(&options{kubeconfig: file})
	if err != nil {
		t.Fatal(err)
	}
	if access.QPS >= 0 {
		t.Errorf("the client sends %v requests a second at most; 0 stands for five", access.QPS)
	}
}
