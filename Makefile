# Everything by one word. Each target looks for what it needs and says what is missing.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# rustup puts cargo here; a fresh installation is not in the PATH of this shell yet.
export PATH := $(PATH):$(HOME)/.cargo/bin

# What follows the command, as in: make demo ARGS="--listen 127.0.0.1:8080"
ARGS ?=
DENY := -- -D warnings
BENCH_PROFILE ?= release
STEP := .ci/step
# What is compiled is linted in the same pass.
LINTED := RUSTC_WORKSPACE_WRAPPER=$(CURDIR)/.ci/clippy

# Unit tests stand in the pure core alone. `--tests` and `--benches` would compile the whole server a second time, as the
# home of such tests; so the others are named.
PURE := --lib --no-default-features
CORE := $(PURE) --features server-crates
OTHERS := --test it
BENCHES := --bench bridge
# The program in its quick build, and the tool that makes its bundle.
DEMO := cargo build --locked --profile demo -p xtask -p halobridge
# Tests run in that profile too: the worlds of a simulation and the engine's conversations cost a fraction of what they
# cost unoptimized, which is more than the build takes longer.
TESTED := --locked --profile demo
# As `cargo xtask bundle` asks for it (xtask/src/wasm.rs).
MODULE := --lib --crate-type=cdylib --locked --target=wasm32-unknown-unknown --profile=wasm --no-default-features \
	--features=hydrate

# Worlds that `make test` lives: the same ones every time, and some that nobody has seen before.
WORLDS := 300
FRESH := 4

# There are no examples, but for them the dependencies get the features that the tests ask of them: nothing is
# compiled a second time when these follow.
SERVER := --lib --examples

# The dependencies are those of the bundle; a machine's code for our own crate would be thrown away.
ISLANDS := cargo rustc --locked --lib --crate-type=rlib --no-default-features --features hydrate,whole \
	--target wasm32-unknown-unknown --profile wasm -- -C opt-level=0

# Two cargos at once share nothing and so wait for each other nowhere; the serial part of one fills the pauses of the other.
ALONE := env -u MAKEFLAGS -u MFLAGS
BESIDE := nice -n 5 $(ALONE)
# What nobody waits for until the end: it takes the cores only while the other leaves one idle.
BEHIND := nice -n 14 $(ALONE)

.PHONY: help demo serve test prove bench lint e2e lighthouse build bundle setup steps program library module \
	test-core test-server test-bundle test-islands test-xtask

help: ## this list
	@echo "Halobridge keeps Microsoft Sentinel incidents and Halo tickets in step."
	@echo
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9]+):.*## (.*)/  make \1\t\2/' | expand -t 18
	@echo
	@echo "Options of the program go into ARGS:  make demo ARGS=--help"

demo: program ## the console with made-up incidents and tickets, nothing to configure
	@target/demo/halobridge demo $(ARGS)

serve: program ## the console for your own Sentinel and Halo; data in .data
	@target/demo/halobridge serve --data-dir .data $(ARGS)

# The server and the tool that makes the bundle are one build, so that what both are made of is compiled once; the module of
# the bundle is another, beside it. The program embeds the bundle; the library, which is nearly all of it, does not.
program: setup
	@echo "Building the browser bundle and the server beside each other (about ten minutes the first time on two cores)"
	@$(MAKE) -j2 library module
	@target/demo/xtask bundle
	@$(DEMO) --bins

library:
	@$(ALONE) $(DEMO) --lib --bin xtask

module:
	@$(BEHIND) cargo rustc $(MODULE)

test: setup steps ## every check: format, lints, tests, bundle size, worlds, browser
	@.ci/tools lint
	@mkdir -p target && (.ci/tools e2e >target/tools.log 2>&1 &)
	@$(STEP) "format" cargo fmt --all --check
	@$(MAKE) -j2 --output-sync=target test-server test-xtask test-islands
	@$(STEP) "compile the program with its bundle and the other tests, linted" env $(LINTED) .ci/it build $(TESTED)
	@$(STEP) "tests" bash -o pipefail -c "{ $(LINTED) cargo test $(TESTED) $(CORE) && .ci/it run; } 2>&1 | tee target/test.log"
	@$(STEP) "$(WORLDS) simulated worlds, and $(FRESH) that are new" .ci/worlds $(WORLDS) $(FRESH)
	@$(STEP) "browser tools" .ci/tools e2e
	@$(STEP) "tests in the browser" bash -o pipefail -c "cd end2end && npx playwright test 2>&1 | tee ../target/e2e.log"
	@.ci/summary

# The steps of `make test` that run beside each other; what each says is shown when it ends.
test-core:
	@$(ALONE) $(STEP) "lint the pure core, without any feature" cargo clippy $(TESTED) $(PURE) $(DENY)
	@$(ALONE) $(STEP) "compile the pure core's tests, linted" env $(LINTED) cargo test $(TESTED) $(CORE) --no-run

test-server: test-core
	@$(ALONE) $(STEP) "compile the server, linted" env $(LINTED) cargo build $(TESTED) $(SERVER)

test-bundle:
	@$(BESIDE) $(STEP) "browser bundle and its size" cargo xtask bundle

test-islands: test-bundle
	@$(BESIDE) $(STEP) "lint the islands" env $(LINTED) $(ISLANDS)

test-xtask: test-bundle
	@$(BESIDE) $(STEP) "tests of the build tool, linted" env $(LINTED) cargo test --locked --quiet --profile demo -p xtask

lint: setup ## format and lints alone
	@cargo fmt --all --check
	@cargo clippy --locked $(PURE) $(DENY)
	@cargo clippy --locked $(CORE) --profile test $(DENY)
	@cargo clippy --locked $(SERVER) --bins $(OTHERS) $(BENCHES) $(DENY)
	@$(LINTED) $(ISLANDS)
	@cargo clippy --locked --profile demo -p xtask $(DENY)

prove: program ## random worlds against the real engine (ARGS: --seeds 1000, --planted …)
	@target/demo/halobridge prove $(ARGS)

bench: setup bundle ## measurements, printed (ARGS: p1 p3 p4 p5 p6 p7 p8 r14 r15 steady; BENCH_PROFILE=demo builds quicker)
	@cargo bench --locked --profile $(BENCH_PROFILE) --bench bridge -- $(ARGS)

e2e: program ## the tests in Chromium alone (ARGS: a spec, --headed …)
	@.ci/tools e2e
	@cd end2end && npx playwright test $(ARGS)

lighthouse: program ## what Lighthouse says of every page, as a table (PAGES=dashboard,pair …: of these)
	@.ci/tools lighthouse
	@cd end2end && LIGHTHOUSE=1 npx playwright test --project=lighthouse

build: setup bundle ## the release binary, target/release/halobridge
	@cargo build --locked --release
	@ls -lh target/release/halobridge

bundle: setup ## the browser bundle alone, with its size table
	@cargo xtask bundle

setup: ## look for the tools; add the Rust target for the browser
	@.ci/tools build

steps:
	@mkdir -p target && rm -f target/steps.log target/test.log target/e2e.log
