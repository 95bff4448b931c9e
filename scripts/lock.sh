#!/usr/bin/env bash
# Resolves pyproject.toml into requirements/*.lock: every platform, Python 3.11 and up, with hashes.
# Arguments are passed on, e.g. `--upgrade` or `--upgrade-package starlette`.
set -euo pipefail
cd "$(dirname "$0")/.."

UV="${UV:-.venv/bin/uv}"
# Settings of the machine must not find their way into the locks, and neither must the name of a package host.
export UV_NO_CONFIG=1 UV_CUSTOM_COMPILE_COMMAND='make lock'
unset "${!PIP_@}" UV_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL UV_FIND_LINKS UV_CONSTRAINT UV_OVERRIDE

compile() {
    "$UV" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url "$@"
}

compile "$@" pyproject.toml --group build --output-file requirements/run.lock
compile "$@" pyproject.toml --group dev --constraint requirements/run.lock --output-file requirements/dev.lock
compile "$@" --group bench --constraint requirements/dev.lock --output-file requirements/bench.lock
compile "$@" --group node --output-file requirements/node.lock
compile "$@" --group generators --output-file requirements/generators.lock
