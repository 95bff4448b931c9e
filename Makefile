# What one does with PulseStage, on one screen; `make help` lists it.
# Each step leaves a stamp, so that only what changed is done again.

PYTHON ?= python3
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run test check format lock build clean

bin := .venv/bin
pip := $(bin)/python -m pip --disable-pip-version-check
locked := $(pip) install --quiet --require-hashes -r
project := $(pip) install --quiet --no-deps --no-build-isolation --editable .

# ---- What people call --------------------------------------------------------------------------

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 \2/p' Makefile | awk '{printf "  %-6s %-9s", $$1, $$2; $$1 = $$2 = ""; print}'

install: .venv/.dev ## Make .venv: the project, what it needs, and the developers' tools

lock: .venv/.dev ## Resolve pyproject.toml into requirements/*.lock again (LOCK_ARGS=--upgrade for the newest)
	scripts/lock.sh $(LOCK_ARGS)

clean: ## Remove all that make has made
	rm -rf .venv dist src/pulsestage/web_dist web/node_modules .*_cache .hypothesis

# ---- Python ------------------------------------------------------------------------------------

$(bin)/python:
	@$(PYTHON) scripts/check_python.py
	$(PYTHON) -m venv .venv

.venv/.run: requirements/run.lock pyproject.toml | $(bin)/python
	$(locked) requirements/run.lock
	$(project)
	@touch $@

.venv/.dev: requirements/dev.lock pyproject.toml | $(bin)/python
	$(locked) requirements/dev.lock
	$(project)
	@touch .venv/.run $@
