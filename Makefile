# Everything an operator or a contributor runs. Each target installs what it needs and says what it installs.
#   make devnet [ARGS="--once"]   a real beacon chain, a real EVM, and four guardians; ARGS="--bad-day loss" for a bad day
#   make check [SEEDS=300]        before each commit: lints, unit tests and the seeded cluster; minutes, and without Node.js
#   make test                     all tests: Rust, Solidity, the seeded cluster, real processes
#   make first-hour               the README's operator path, walked by four operators up to their first report
#   make lint                     what has to hold before anything is merged: format, clippy, documents, dependencies
#   make simulate [SEEDS=10000]   the seeded cluster alone, optimised
#   make fuzz [SECONDS=600]       each fuzz target for so long, one after the other (FUZZ="messages files" for some of them)
#   make bench [ARGS="--only beacon"] figures beside references; ARGS="--only soak": half an hour beside 2.2 million validators
#   make plots DATA=days.csv [ARGS="--from 2023-10-11"] the charts of docs/ticket-price.md
#   make dist                     what operators install, in dist/: archive, .deb, image, SBOM, checksums; once a release build is there, minutes
#   make image                    the image `guardian` of a release build with the Rust of this machine
#   make setup | clean
#   make mutants | slither        mutation tests and static analysis of the contracts

SHELL := /bin/bash
export PATH := $(HOME)/.cargo/bin:$(CURDIR)/contracts/node_modules/.bin:$(PATH)

CARGO ?= cargo
ARGS ?=
# Seeds of the simulated cluster. Tests that take seeds have a number of their own (100, 1,000 about nonces, 16 ceremonies);
# `make test SEEDS=1000` replaces all of them.
check: SEEDS = 300
simulate: SEEDS = 10000

SLITHER ?= 0.11.6

# Checks dependencies. Built once for all checkouts, since that takes two minutes.
DENY ?= 0.20.2
TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/guardian/tools
CARGO_DENY := $(TOOLS)/cargo-deny-$(DENY)/bin/cargo-deny

# Writes what is in a program (CycloneDX). Built as that is.
CYCLONEDX ?= 0.5.9
CARGO_CYCLONEDX := $(TOOLS)/cargo-cyclonedx-$(CYCLONEDX)/bin/cargo-cyclonedx

# Options of `docker build`, such as DOCKER_BUILD="--network host".
DOCKER_BUILD ?=

# Where cargo puts what it builds. Always the whole workspace, since a part of it would have other features and be built anew.
BUILT = $(shell $(CARGO) metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')

FORGE := contracts/node_modules/.bin/forge
LODESTAR := tests/real-beacon/node_modules/.package-lock.json
PAIR := tests/real-chain/node_modules/.package-lock.json

# How long each fuzz target runs, and which.
SECONDS ?= 600
FUZZ ?= messages ceremony encodings records files states

.PHONY: setup devnet check test first-hour lint release image dist bench plots simulate fuzz contracts mutants slither clean

setup: $(FORGE) $(LODESTAR) $(PAIR)
	@deploy/setup

$(FORGE): contracts/package-lock.json
	@deploy/setup
	@echo "installing anvil, forge, solc and OpenZeppelin's contracts (npm ci in contracts/)"
	@cd contracts && npm ci --silent --no-audit --no-fund
	@touch $@

$(LODESTAR): tests/real-beacon/package-lock.json
	@deploy/setup
	@echo "installing Lodestar, a consensus client (npm ci in tests/real-beacon/)"
	@cd tests/real-beacon && npm ci --silent --no-audit --no-fund
	@touch $@

$(PAIR): tests/real-chain/package-lock.json
	@deploy/setup
	@echo "installing EthereumJS and a newer Lodestar, which follow one chain (npm ci in tests/real-chain/)"
	@cd tests/real-chain && npm ci --silent --no-audit --no-fund
	@touch $@

contracts: setup
	@cd contracts && node forge.mjs build --quiet

devnet: contracts
	@$(CARGO) build --locked --workspace --bins
	@$(BUILT)/debug/devnet $(ARGS)

# Always the whole workspace (see above). `--test` takes every test of that name, ceremony those of two packages.
check:
	@deploy/setup rust
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy --locked --workspace --all-targets --quiet -- -D warnings
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --quiet
	@$(CARGO) test --locked --workspace --quiet --lib \
		--test suite --test signing --test formats --test ceremony --test architecture
	@SEEDS=$(SEEDS) $(CARGO) test --locked --workspace --quiet --test simulation

test: contracts
	@cd contracts && node forge.mjs test && node gas.mjs
	@$(CARGO) build --locked --workspace --bins
	@$(CARGO) test --locked --workspace

first-hour: contracts
	@$(CARGO) build --locked --workspace --bins
	@$(CARGO) test --locked --workspace --test first_hour -- --nocapture

# Formatting, clippy with warnings as errors, documentation, licences and advisories of dependencies.
lint: contracts $(CARGO_DENY)
	@$(CARGO) fmt --all --check
	@cd contracts && node forge.mjs fmt --check && npm run --silent vectors:check && npm run --silent export:check
	@$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --quiet
	@deploy/deny $(CARGO_DENY)

# Not optimised as a release is: they run for seconds.
$(CARGO_DENY) $(CARGO_CYCLONEDX):
	@$(eval tool := $(notdir $@))
	@$(eval version := $(if $(filter cargo-deny,$(tool)),$(DENY),$(CYCLONEDX)))
	@echo "installing $(tool) $(version) (cargo install, into $(TOOLS))"
	@CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
		$(CARGO) install --quiet --locked $(tool) --version $(version) \
		--root $(TOOLS)/$(tool)-$(version) --target-dir $(TOOLS)/build
	@rm -rf $(TOOLS)/build

# Of the node alone, so that the operators' program has nothing in it that only tests need.
release:
	@deploy/setup rust
	@$(CARGO) build --locked --release -p guardian-node --bins

image: release
	@deploy/image $(BUILT)/release/guardian --tag guardian $(DOCKER_BUILD)

# The list of crates is written beside each manifest, with the path of this checkout in it: one is kept, without that.
dist: release $(CARGO_CYCLONEDX)
	@mkdir -p dist && rm -rf dist/*
	@export SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) PATH="$(dir $(CARGO_CYCLONEDX)):$$PATH"; \
		$(CARGO) cyclonedx --quiet --format json --spec-version 1.5 --no-build-deps --override-filename guardian.cdx --manifest-path guardian-node/Cargo.toml
	@sed 's|file://$(CURDIR)|file://.|g' guardian-node/guardian.cdx.json >dist/crates.cdx.json && rm */guardian.cdx.json
	@deploy/dist $(BUILT)/release/guardian dist $(DOCKER_BUILD)

bench: contracts
	@$(CARGO) build --locked --release --workspace --bins
	@$(BUILT)/release/bench $(ARGS)

plots:
	@test -n "$(DATA)" || { echo 'make plots DATA=days.csv: docs/ticket-price.md says where such a file comes from' >&2; exit 1; }
	@$(CARGO) build --locked --workspace --bins
	@$(BUILT)/debug/guardian price plot --data $(DATA) --out docs/ticket-price $(ARGS)

mutants: contracts
	@cd contracts && node mutants.mjs $(ARGS)

# Slither comes from PyPI, into a folder of its own; it finds forge on the path and compiles as everybody does.
slither: contracts
	@test -x contracts/cache/slither/bin/slither || (python3 -m venv contracts/cache/slither && contracts/cache/slither/bin/pip install -q slither-analyzer==$(SLITHER))
	@cd contracts && PATH="$$(echo $$PWD/node_modules/@foundry-rs/forge-linux-*/bin):$$PATH" cache/slither/bin/slither .

simulate: setup
	@$(CARGO) build --locked --release --workspace --bins
	@$(BUILT)/release/simulate --seeds $(SEEDS) $(ARGS)

# A finding stops it, and lies in tests/fuzz/artifacts/.
fuzz: setup
	@command -v cargo-fuzz >/dev/null || { echo "installing cargo-fuzz"; $(CARGO) install cargo-fuzz --locked; }
	@GUARDIAN_FUZZ_CORPUS=$(CURDIR)/tests/fuzz/corpus $(CARGO) test --locked --quiet -p guardian-tests --test fuzz
	@for target in $(FUZZ); do \
		$(CARGO) fuzz run --fuzz-dir tests/fuzz --sanitizer none --features files,states $$target -- -max_total_time=$(SECONDS) -timeout=30 || exit 1; \
	done

clean:
	@$(CARGO) clean
	@rm -rf .devnet .bench dist tests/fuzz/target tests/fuzz/corpus contracts/out contracts/cache contracts/node_modules tests/real-beacon/node_modules tests/real-chain/node_modules
