"""Programmers who take an ordinary generator get a client that works, and types that know what the documents say."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.generated.tools import PYTHON, TOOLS, install, node, run

if TYPE_CHECKING:
    from tests.live.venue import Venue

pytestmark = pytest.mark.timeout(600)  # the tools may have to be installed first

HERE = Path(__file__).parent
COMPILER = {
    "strict": True,
    "noUncheckedIndexedAccess": True,
    "exactOptionalPropertyTypes": True,
    "skipLibCheck": True,
    "target": "es2022",
    "module": "nodenext",
    "types": ["node"],
}


async def test_a_client_made_for_typescript_of_both_documents(venue: Venue, documents: Path, tmp_path: Path) -> None:
    shutil.copy(HERE / "client.ts", tmp_path)
    (tmp_path / "node_modules").symlink_to(TOOLS / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": COMPILER, "files": ["client.ts"]}))
    node("openapi-typescript/bin/cli.js", documents / "openapi.json", "--output", tmp_path / "api.ts")
    schema, components = tmp_path / "events.json", json.loads((documents / "asyncapi.json").read_text())["components"]
    schema.write_text(json.dumps({"$ref": "#/components/schemas/StreamMessage", "components": components}))
    node("json-schema-to-typescript/dist/src/cli.js", "--no-additionalProperties", schema, tmp_path / "events.ts")
    node("typescript/bin/tsc", "--project", tmp_path)
    assert json.loads(node(tmp_path / "client.js", venue.url)) == {
        "asked": ["Generated?", 0, True],
        "voted": [1, True],
        "codes": ["own_question", "already_upvoted"],
        "fields": ["body"],
        "page": [["Generated?", 1, None]],
        "told": ["connected: typescript", "created: Generated?", "upvoted: 1"],
    }


async def test_a_client_made_for_python(venue: Venue, documents: Path, tmp_path: Path) -> None:
    install(".venv/generators/.installed")
    client, package = Path(shutil.copy(HERE / "client.py", tmp_path)), tmp_path / "pulsestage_client"
    generator: list[str | Path] = [
        PYTHON.with_name("openapi-python-client"),
        "generate",
        "--meta",
        "none",
        "--fail-on-warning",
    ]
    path = f"{PYTHON.parent}:{os.environ['PATH']}"  # where it finds what formats what it makes
    run(*generator, "--path", documents / "openapi.json", "--output-path", package, PATH=path)
    # Our use of what was made is checked strictly; what was made is the generator's business.
    mypy = [sys.executable, "-m", "mypy", "--strict", "--follow-imports", "silent", "--config-file="]
    run(*mypy, "--cache-dir", tmp_path / "types", "--python-executable", PYTHON, client, MYPYPATH=str(tmp_path))
    assert json.loads(run(PYTHON, client, venue.url)) == {
        "asked": ["Generated?", 0, True, "UTC"],
        "voted": [1, True],
        "codes": ["own_question", "already_upvoted"],
        "fields": ["body"],
        "page": [["Generated?", 1, None]],
        "position": 1,
    }
