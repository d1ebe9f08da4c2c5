package chart_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/gitindex/git"
)

// ociRegistry holds one repository, charts/redis.
type ociRegistry struct {
	*httptest.Server
	tags     []string
	content  map[string][]byte // by tag and digest
	types    map[string]string // of manifests
	password string            // of user agent; empty for none
	tokens   bool              // are given out for the password
}

const manifestType = "application/vnd.oci.image.manifest.v1+json"

func serveRegistry(t *testing.T, tls bool) *ociRegistry {
	t.Helper()
	r := &ociRegistry{content: map[string][]byte{}, types: map[string]string{}}
	r.Server = serve(t, tls, r.answer)
	return r
}

// push stores an artifact, and returns the digest of its manifest.
func (r *ociRegistry) push(tag, layerType, configType string, layer []byte) string {
	describe := func(kind string, data []byte) map[string]any {
		r.content["sha256:"+sum(data)] = data
		return map[string]any{"mediaType": kind, "digest": "sha256:" + sum(data), "size": len(data)}
	}
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType,
		"config": describe(configType, []byte("{}")), "layers": []any{describe(layerType, layer)},
	})
	if err != nil {
		panic(err)
	}
	r.tags = append(r.tags, tag)
	for _, name := range []string{tag, "sha256:" + sum(manifest)} {
		r.content[name], r.types[name] = manifest, manifestType
	}
	return sum(manifest)
}

func (r *ociRegistry) pushChart(tag, version string) string {
	return r.push(tag, "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/vnd.cncf.helm.config.v1+json", redis(version))
}

func (r *ociRegistry) answer(w http.ResponseWriter, req *http.Request) {
	user, got, _ := req.BasicAuth()
	known := user == "agent" && got == r.password
	if r.tokens && req.URL.Path == "/token" {
		if !known {
			http.Error(w, "{}", http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"token": "token-for-%s"}`, req.URL.Query().Get("service"))
		return
	}
	if r.tokens {
		known = req.Header.Get("Authorization") == "Bearer token-for-registry"
	}
	if r.password != "" && !known {
		challenge := `Basic realm="registry"`
		if r.tokens {
			challenge = `Bearer realm="` + r.URL + `/token",service="registry"`
		}
		w.Header().Set("Www-Authenticate", challenge)
		http.Error(w, `{"errors": [{"code": "UNAUTHORIZED", "message": "hunter2"}]}`, http.StatusUnauthorized)
		return
	}
	name, found := strings.CutPrefix(req.URL.Path, "/v2/charts/redis/")
	kind, reference, _ := strings.Cut(name, "/")
	data, known := r.content[reference]
	switch {
	case found && name == "tags/list":
		_ = json.NewEncoder(w).Encode(map[string]any{"name": "charts/redis", "tags": r.tags})
	case !found || !known || kind == "manifests" && r.types[reference] == "":
		http.Error(w, `{"errors": [{"code": "NOT_FOUND", "message": "hunter2"}]}`, http.StatusNotFound)
	default:
		if kind == "manifests" {
			w.Header().Set("Content-Type", r.types[reference])
			w.Header().Set("Docker-Content-Digest", "sha256:"+sum(data))
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		if req.Method != http.MethodHead {
			_, _ = w.Write(data)
		}
	}
}

func (r *ociRegistry) at(version string) gitindex.Repository {
	_, host, _ := strings.Cut(r.URL, "://")
	return gitindex.Repository{URL: "oci://" + host + "/charts", Chart: "redis", Ref: gitindex.Ref{SemVer: version}, Secret: gitindex.SecretRef{Name: "registry"}}
}

func TestAChartComesFromARegistry(t *testing.T) {
	r := serveRegistry(t, false)
	digests := map[string]string{}
	for _, version := range []string{"1.9.0", "1.10.0", "2.0.0-rc.1", "1.2.3+build"} {
		digests[version] = r.pushChart(strings.ReplaceAll(version, "+", "_"), version)
	}
	digests["latest"] = r.push("latest", "application/tar+gzip", "application/vnd.cncf.helm.config.v1+json", redis("1.9.0"))
	for _, test := range []struct{ name, ref, want, version string }{
		{"a version", "1.9.0", "1.9.0", "1.9.0"},
		{"a range takes the highest", "1.*", "1.10.0", "1.10.0"},
		{"no version is the newest that is no prerelease", "", "1.10.0", "1.10.0"},
		{"a version of a build", "1.2.3+build", "1.2.3+build", "1.2.3+build"},
		{"a tag that is no version, and an older type of layer", "latest", "latest", "1.9.0"},
		{"a digest", "sha256:" + digests["1.9.0"], "sha256:" + digests["1.9.0"], "1.9.0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := newStore(t, git.Credentials{PlainHTTP: true})
			revision, tree := fetched(t, store, r.at(test.ref))
			want := gitindex.Revision{Name: test.want, Commit: digests[test.want]}
			if test.name == "a digest" {
				want.Commit = digests["1.9.0"]
			}
			if revision != want {
				t.Errorf("revision is %+v, want %+v", revision, want)
			}
			wantFile(t, tree, "Chart.yaml", "name: redis\nversion: "+test.version+"\n")
			again, err := store.Tree(t.Context(), "redis", r.at(test.ref), revision) // from disk
			must(t, err)
			wantFile(t, again, "charts/a/Chart.yaml", "name: a\n")
		})
	}
}

func TestAnArtifactThatIsNoChartIsItsFiles(t *testing.T) {
	r := serveRegistry(t, false)
	r.push("1.0.0", "application/vnd.cncf.flux.content.v1.tar+gzip", "application/vnd.cncf.flux.config.v1+json", tarball(map[string]string{"./apps/web.yaml": "kind: Service\n"}))
	store := newStore(t, git.Credentials{PlainHTTP: true})
	revision, tree := fetched(t, store, r.at("1.0.0"))
	wantFile(t, tree, "apps/web.yaml", "kind: Service\n")
	again, err := store.Tree(t.Context(), "redis", r.at("1.0.0"), revision) // from disk
	must(t, err)
	wantFile(t, again, "apps/web.yaml", "kind: Service\n")
}

func TestARegistryThatWantsALogin(t *testing.T) {
	docker := func(host, user, secret string) []byte {
		return fmt.Appendf(nil, `{"auths": {"other.example.com": {"username": "x", "password": "y"}, %q: {"auth": %q}}}`,
			host, base64.StdEncoding.EncodeToString([]byte(user+":"+secret)))
	}
	for _, tokens := range []bool{false, true} {
		t.Run(fmt.Sprintf("tokens %t", tokens), func(t *testing.T) {
			r := serveRegistry(t, true)
			r.password, r.tokens = password, tokens
			r.pushChart("1.0.0", "1.0.0")
			host := strings.TrimPrefix(r.URL, "https://")
			ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw})
			of := func(ref string) string { return "fetching chart redis of oci://" + host + "/charts: " + ref }
			for _, test := range []struct {
				name string
				c    git.Credentials
				want string
			}{
				{"a password", git.Credentials{Username: "agent", Password: password, CA: ca}, ""},
				{"a Docker configuration", git.Credentials{Docker: docker(host, "agent", password), CA: ca}, ""},
				{"a Docker configuration with a URL", git.Credentials{Docker: docker("https://"+host+"/v1/", "agent", password), CA: ca}, ""},
				{"nothing", git.Credentials{CA: ca}, of("the registry needs credentials")},
				{"a Docker configuration of others", git.Credentials{Docker: docker("example.com", "agent", password), CA: ca}, of("the registry needs credentials")},
				{"a wrong password", git.Credentials{Username: "agent", Password: "hunter2", CA: ca}, of(`the registry refuses the credentials: check Secret "registry"`)},
				{"a Docker configuration that is none", git.Credentials{Docker: []byte("hunter2"), CA: ca}, of(`reading Secret "registry": its key .dockerconfigjson is no configuration of Docker's`)},
				{"a Docker configuration with half a login", git.Credentials{Docker: []byte(`{"auths": {"` + host + `": {"auth": "hunter2"}}}`), CA: ca},
					of(`reading Secret "registry": its key .dockerconfigjson has an auth that is no user and password in base64`)},
				{"an unknown authority", git.Credentials{Username: "agent", Password: password},
					of(`the server's certificate is signed by an unknown authority: add its CA as ca.crt to Secret "registry"`)},
			} {
				t.Run(test.name, func(t *testing.T) {
					store := newStore(t, test.c)
					if test.want == "" {
						_, tree := fetched(t, store, r.at("1.0.0"))
						wantFile(t, tree, "Chart.yaml", "name: redis\nversion: 1.0.0\n")
						return
					}
					_, err := store.Resolve(t.Context(), "redis", r.at("1.0.0"))
					wantError(t, err, test.want)
				})
			}
		})
	}
}

func TestAnArtifactThatCannotBeHad(t *testing.T) {
	r := serveRegistry(t, false)
	r.pushChart("1.0.0", "1.0.0")
	r.push("2.0.0", "text/plain", "application/vnd.oci.empty.v1+json", []byte("text"))
	r.pushChart("3.0.0", "3.0.0")
	r.content["sha256:"+sum(redis("3.0.0"))] = bytes.Repeat([]byte("a"), len(redis("3.0.0")))
	delete(r.content, "sha256:"+sum(redis("1.0.0")))
	prefix := "fetching chart redis of " + r.at("").URL + ": "
	for _, test := range []struct{ name, ref, want string }{
		{"another version", "9.0.0", "the registry doesn't have it"},
		{"another range", "9.*", `no version matches "9.*" (there are 3.0.0, 2.0.0, 1.0.0)`},
		{"a layer that is gone", "1.0.0", "the registry doesn't have it"},
		{"a layer that is another", "3.0.0", "the registry sends something else than it announces"},
		{"no tar file", "2.0.0", "it is neither a chart nor one gzipped tar file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := newStore(t, git.Credentials{PlainHTTP: true})
			revision, err := store.Resolve(t.Context(), "redis", r.at(test.ref))
			if err == nil {
				_, err = store.Tree(t.Context(), "redis", r.at(test.ref), revision)
			}
			wantError(t, err, prefix+test.want)
		})
	}
	t.Run("no URL", func(t *testing.T) {
		_, err := newStore(t, git.Credentials{}).Resolve(t.Context(), "redis", gitindex.Repository{URL: "oci://", Chart: "redis"})
		wantError(t, err, "fetching chart redis of oci://: that is not the URL of a registry: write oci://host/path")
	})
}
