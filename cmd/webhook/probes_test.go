package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"
)

func TestReadiness(t *testing.T) {
	var logged []string
	log := funcr.New(func(_, args string) { logged = append(logged, args) }, funcr.Options{})
	var wrong error
	var but string
	ready := &readiness{log: log, but: func() string { return but }, checks: []check{
		{"first", func(*http.Request) error { return nil }},
		{"second", func(*http.Request) error { return wrong }},
	}}
	probe := func(status int, text string) {
		t.Helper()
		answer := httptest.NewRecorder()
		ready.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		if answer.Code != status || answer.Body.String() != text {
			t.Errorf("the answer is %d\n%s\nwant %d\n%s", answer.Code, answer.Body, status, text)
		}
	}

	wrong = errors.New("the tide is out")
	probe(http.StatusServiceUnavailable, "[+]first\n[-]second: the tide is out\nnot ready\n")
	probe(http.StatusServiceUnavailable, "[+]first\n[-]second: the tide is out\nnot ready\n")
	wrong = nil
	probe(http.StatusOK, "[+]first\n[+]second\nready\n")
	probe(http.StatusOK, "[+]first\n[+]second\nready\n")

	but = "the boat is away"
	probe(http.StatusOK, "[+]first\n[+]second\nready, but the boat is away\n")
	probe(http.StatusOK, "[+]first\n[+]second\nready, but the boat is away\n")

	want := []string{`"level"=0 "msg"="not ready" "why"=["the tide is out"]`, `"level"=0 "msg"="ready"`, `"level"=0 "msg"="ready" "but"=["the boat is away"]`}
	if strings.Join(logged, "\n") != strings.Join(want, "\n") {
		t.Errorf("the log has\n%s\nwant\n%s", strings.Join(logged, "\n"), strings.Join(want, "\n"))
	}
}
