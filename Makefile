# Coffer. `make` alone tells what there is. Nothing here needs root or installs anything outside this folder.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := $(if $(COFFER_TOOLS),$(COFFER_TOOLS),.coffer/tools)
KILLS ?= 8
SEED ?= 1
OPERATIONS ?= 20000
SEEDS ?= 10
PROCESSES ?= 2
ALL_TESTS = $(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile

.PHONY: help setup check test test-all soak bank sim risks demo demo-once bench bench-long coverage lock contracts clean

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed node_modules/.installed $(TOOLS)/.bitcoind $(TOOLS)/.chromium $(TOOLS)/.hledger ## Do all the set-up, run nothing
	@echo "setup: complete"

check: $(VENV)/.installed ## Format, lint, types, import contracts, architecture: fast, no servers
	@echo "format"; $(BIN)/ruff format --check --quiet .
	@echo "lint"; $(BIN)/ruff check --quiet .
	@echo "types"; $(BIN)/mypy --no-error-summary
	@echo "imports"; $(BIN)/lint-imports --no-logo
	@echo "architecture"; $(BIN)/python -m pytest tests/architecture

test: setup check ## Everything, on real PostgreSQL, anvil and bitcoind; long families of tests as a sample
	@$(ALL_TESTS)

test-all: setup check ## The same with every family whole
	@COFFER_TEST_ALL=1 $(ALL_TESTS)

soak: setup ## Kill a node at random while money moves, then prove everything: make soak, or make soak KILLS=50 SEED=3
	@$(BIN)/python -m tests.soak --kills $(KILLS) --seed $(SEED)

bank: $(VENV)/.installed ## Payments through two nodes while both are killed in turn: make bank, or make bank OPERATIONS=1000000 KILLS=200
	@$(BIN)/python -m tests.bank --operations $(OPERATIONS) --kills $(KILLS) --seed $(SEED) $(ARGS)

risks: $(VENV)/.installed ## What the node promises to withstand, and the tests that hold it to that
	@$(BIN)/python -m tests.risks

sim: $(VENV)/.installed ## Whole nodes in seeded simulations of virtual time: make sim, make sim SEEDS=20, SEED=7, DEPOSITS=100000, or WITHDRAWALS=100000
	@$(BIN)/python -m tests.simulation $(if $(DEPOSITS),--deposits $(DEPOSITS)) $(if $(WITHDRAWALS),--withdrawals $(WITHDRAWALS)) $(if $(filter command line environment,$(origin SEED)),--seed $(SEED),--seeds $(SEEDS)) $(ARGS)

demo: $(VENV)/.installed node_modules/.installed $(TOOLS)/.bitcoind ## The tour, live in this terminal; it stays up with a page to look at
	@$(BIN)/coffer demo

demo-once: $(VENV)/.installed node_modules/.installed $(TOOLS)/.bitcoind ## The tour, then exit; the last line is one JSON object
	@$(BIN)/coffer demo --once

bench: $(VENV)/.installed ## Measure everything and write docs/benchmarks.md, or one: make bench NAME=journal ARGS=--json
	@$(BIN)/python -m $(if $(NAME),tests.bench $(NAME) $(ARGS),tests.bench.every $(ARGS))

bench-long: $(VENV)/.installed ## The same with long slices and ten million transfers: hours
	@$(BIN)/python -m tests.bench.every --long $(ARGS)

coverage: $(VENV)/.installed ## Every branch of money, ledger, journal and proofs, taken by tests of these; fails below 100 %
	@mkdir -p .coffer
	@$(BIN)/python -m coverage run -m pytest tests/unit/wallet tests/integration/wallet \
	  tests/integration/api/test_receipts.py tests/integration/node/test_forgotten_requests.py \
	  tests/scenario/test_breaks.py tests/scenario/test_charge_backs.py tests/scenario/test_withdrawals.py
	@$(BIN)/python -m coverage report

mutants: $(VENV)/.installed ## Change the pure code of money in one place at a time; tests must notice: make mutants, or MODULE=wallet/journal/judge.py
	@$(BIN)/python -m tests.mutation $(if $(MODULE),--module $(MODULE)) $(ARGS)

lock: $(VENV)/.installed ## Make the lock files again, hashes without hosts
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile $(COMPILE) --extra dev pyproject.toml -o requirements-dev.txt
	@$(BIN)/uv pip compile $(COMPILE) -c requirements-dev.txt pyproject.toml -o requirements.txt
	@npm install --package-lock-only --ignore-scripts --no-audit --no-fund

contracts: $(VENV)/.installed ## Compile the contracts again, and see that the bytes in the code are what their sources compile to
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@node node/devnet/contracts/compile.js node/devnet/contracts tests/contracts chains/evm | $(BIN)/python -m tests.contracts

clean: ## Remove what make made; folders of nodes stay
	rm -rf $(VENV) node_modules .coffer/tools build dist *.egg-info .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

COMPILE := --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11

# ── steps of the set-up, each done once until what it rests on changes ──────────────────────────────────────────────

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "Coffer needs Python 3.11 or newer: name one with make PYTHON=…"; exit 1; }
	@echo "setup: making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Coffer needs Python's venv module (Debian: package python3-venv)"; exit 1; }

$(VENV)/.locked: requirements-dev.txt | $(VENV)/bin/python
	@total=$$(grep -c '^[a-z].*==' requirements-dev.txt); echo "setup: installing $$total locked packages into $(VENV)"; \
	  $(BIN)/pip install --disable-pip-version-check --require-hashes --progress-bar off -r requirements-dev.txt 2> >(grep -v '^WARNING' >&2) \
	  | awk -v total=$$total '/^(Collecting|Processing|Requirement already)/ { if (++n % 10 == 0) { print "setup:   " n " of " total; fflush() } } \
	    /^Installing collected/ { print "setup:   unpacking them"; fflush() }'
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.locked
	@$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@touch $@

node_modules/.installed: package.json package-lock.json
	@command -v npm >/dev/null || { echo "Coffer's development networks need npm (Node 20) for anvil"; exit 1; }
	@echo "setup: installing anvil"
	@npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(TOOLS)/.bitcoind: | $(VENV)/.installed
	@$(BIN)/python -m node.devnet
	@mkdir -p $(@D); touch $@

$(TOOLS)/.chromium: | $(VENV)/.installed
	@$(BIN)/python -m tests.browser
	@mkdir -p $(@D); touch $@

$(TOOLS)/.hledger: | $(VENV)/.installed
	@$(BIN)/python -m tests.hledger
	@mkdir -p $(@D); touch $@
