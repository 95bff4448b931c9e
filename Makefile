# What one does with PulseStage, on one screen; `make help` lists it.
# Steps leave stamps, so that only what has changed is done again.

PYTHON ?= python3
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run test stress chaos restarts mutants check bench format lock build clean

bin := .venv/bin
web := src/pulsestage/web_dist/index.html
clients := tests/live/node/node_modules/.package-lock.json
npm := scripts/with_node.sh npm
documents := scripts/documents/node_modules/.package-lock.json
generators := .venv/generators/.installed
pip := $(bin)/python -m pip --disable-pip-version-check install --quiet

# ---- What people call ----------------------------------------------------------------------------

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | awk -F'\t' '{printf "  make %-8s %s\n", $$1, $$2}'

install: .venv/.dev ## Set up .venv: the command pulsestage and the developers' tools

run: .venv/.run $(web) ## Start the demo (sets up only what that needs)
	$(bin)/pulsestage demo

test: .venv/.dev $(web) $(documents) $(generators) $(clients) ## Run every test, of the server and of the web app (PYTEST_ARGS=... for some)
	$(bin)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(or $(PYTEST_ARGS),--coverage)
	$(npm) test

stress: .venv/.dev ## Stress a server for a minute and judge what every client was told (STRESS_ARGS="--seed 42")
	$(bin)/python -m tests.stress $(STRESS_ARGS)

chaos: .venv/.dev ## Break everything around three instances for five minutes, and judge (SEED=42 SECONDS=60)
	$(bin)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS))

restarts: .venv/.dev ## Stop servers under load, alone and behind every proxy, for a quarter of an hour (ROUNDS=5)
	$(bin)/python -m tests.restarts $(if $(ROUNDS),--rounds $(ROUNDS))

mutants: .venv/.dev $(web) ## Change the code in many small places, and see which changes the nearest tests notice (SEED=42 SAMPLE=40)
	$(bin)/python -m tests.mutants $(if $(SEED),--seed $(SEED)) $(if $(SAMPLE),--sample $(SAMPLE))
	$(npm) run mutants -- $(if $(SEED),--seed $(SEED)) $(if $(SAMPLE),--sample $(SAMPLE))

check: .venv/.dev web/node_modules/.package-lock.json $(documents) ## Lint, formatting, types, the direction of imports, the API's documents
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy
	$(bin)/lint-imports --no-logo
	$(npm) run check
	$(npm) exec -- prettier --config .prettierrc.json --check --log-level warn ../tests/live/node
	$(bin)/python -m scripts.dump_documents scripts/documents/build
	$(npm) run --silent --prefix ../scripts/documents lint

bench: .venv/.bench $(web) ## Measure votes, pages, the fan-out, several processes, the first load, copies and the rules for text, side by side with their yardsticks (docs/benchmarks.md)
	$(bin)/python -m bench.votes
	$(bin)/python -m bench.lone
	$(bin)/python -m bench.pages
	$(bin)/python -m bench.fanout
	$(bin)/python -m bench.fairness
	$(bin)/python -m bench.growth
	$(bin)/python -m bench.machines
	$(bin)/python -m bench.contention
	$(bin)/python -m bench.first_load
	$(bin)/python -m bench.copies
	$(bin)/python -m bench.text

format: .venv/.dev ## Format the Python code and mend what ruff can mend
	$(bin)/ruff check --fix-only
	$(bin)/ruff format

lock: .venv/.dev ## Resolve the dependencies anew (LOCK_ARGS=--upgrade for the newest versions)
	scripts/lock.sh $(LOCK_ARGS)

build: .venv/.run $(web) ## Build the wheel and the source package, with the web app inside, and their constraints, into dist/
	rm -rf dist
	$(bin)/hatchling build

clean: ## Remove what make has made, but no data
	rm -rf .venv dist src/pulsestage/web_dist scripts/documents/build .*_cache .hypothesis
	rm -rf {web,scripts/documents,tests/live/node}/node_modules

# ---- Python --------------------------------------------------------------------------------------

$(bin)/python:
	@$(PYTHON) scripts/check_python.py
	$(PYTHON) -m venv .venv

.venv/.run: requirements/run.lock pyproject.toml | $(bin)/python
	$(pip) --require-hashes -r requirements/run.lock
	$(pip) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements/dev.lock pyproject.toml | $(bin)/python
	$(pip) --require-hashes -r requirements/dev.lock
	$(pip) --no-deps --no-build-isolation --editable .
	@touch .venv/.run $@

.venv/.bench: requirements/bench.lock .venv/.dev
	$(pip) --require-hashes -r requirements/bench.lock
	@touch $@

# ---- The web app ---------------------------------------------------------------------------------

$(web): web/node_modules/.package-lock.json $(shell find web -type f -not -path 'web/node_modules/*' 2>/dev/null)
	$(npm) run build
	@touch $@

# ---- Packages of npm: the web app's, the tools for the API's documents, and the tests' SSE clients ----

%/node_modules/.package-lock.json: %/package-lock.json %/package.json | $(bin)/python
	$(npm) ci --prefix ../$* --no-audit --no-fund
	@touch $@

# ---- Generators of clients, for the tests --------------------------------------------------------

$(generators): requirements/generators.lock | $(bin)/python
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/generators.lock
	@touch $@
