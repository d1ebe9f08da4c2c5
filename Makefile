# gitonly: a Kubernetes admission webhook that lets changes in only through Git.

# The tools' own module keeps them out of the program's.
TOOL := go tool -modfile=$(CURDIR)/tools/go.mod
CONTROLLER_GEN = $(TOOL) controller-gen
STATICCHECK = $(TOOL) staticcheck

# Kubernetes version that e2e, test and demo run; the folders in
# e2e/controlplane/versions are the ones there are.
KUBERNETES_VERSION ?= 1.37.2
export KUBERNETES_VERSION
OLDEST_KUBERNETES_VERSION = 1.29.6

.DEFAULT_GOAL := help

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## show the main job on a real API server, with nothing but Go and git installed
	@go run ./e2e/demo

.PHONY: controlplane
controlplane: # what the tests start: control planes, agents and tools
	@go run ./e2e/prebuild $(KUBERNETES_VERSION) $(OLDEST_KUBERNETES_VERSION)

.PHONY: test
test: controlplane ## run all tests
	go test -timeout 85m ./...
	go -C tools test ./...

.PHONY: e2e
e2e: controlplane ## run only the tests on a real API server
	go test -timeout 85m -v ./e2e/...

.PHONY: sweep
sweep: controlplane ## measure the comparison's two error rates, by thousands of requests
	go test -timeout 85m -count=1 -v ./e2e/sweep

SOAK ?= 10m

.PHONY: bench
bench: controlplane ## measure what gitonly costs; ONLY=http,decision,index,memory,render,patch,schema,soak chooses, SOAK=1m is how long the last is
	@mkdir -p bin && CGO_ENABLED=0 go build -trimpath -o bin/bench ./e2e/bench && bin/bench -only '$(ONLY)' -soak $(SOAK)

.PHONY: build
build: ## build the webhook and the kubectl plugin into bin/
	CGO_ENABLED=0 go build -trimpath -buildvcs=auto -o bin/ ./cmd/...

# What the image's programs run on.
ARCHITECTURES ?= amd64 arm64

.PHONY: image
image: ## build the container image, an OCI layout in out/image, without a container engine
	@.ci/image $(ARCHITECTURES)

.PHONY: generate
generate: ## write what is generated: deepcopy functions, CRDs, references, and what is made of the chart
	$(CONTROLLER_GEN) object paths=./pkg/api/...
	$(CONTROLLER_GEN) crd paths=./pkg/api/... output:crd:dir=config/crd
	$(TOOL) crd-ref-docs --log-level=ERROR --source-path=pkg/api --config=tools/api-reference.yaml --renderer=markdown --output-path=docs/api.md
	go run ./charts/generate

.PHONY: lint
lint: ## vet, staticcheck, formatting
	go vet ./...
	go -C tools vet ./...
	$(STATICCHECK) ./...
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not formatted: $$unformatted"; exit 1; }

.PHONY: verify
verify: lint ## check that what is generated is up to date, modules are tidy, and lint passes
	@.ci/verify

.PHONY: clean
clean: ## remove what was built here; the control plane's cache stays
	rm -rf bin out
