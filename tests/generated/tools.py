"""The generators of clients, which the Makefile installs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "scripts/documents"
PYTHON = ROOT / ".venv/generators/bin/python"


def install(stamp: str) -> None:
    """Install what this target of the Makefile stands for, unless it is there and up to date."""
    run("make", "--silent", "--directory", ROOT, stamp)


def node(program: str | Path, *arguments: str | Path) -> str:
    """Run a program of an npm package, or one of our own by its path."""
    return run(ROOT / "scripts/with_node.sh", "node", TOOLS / "node_modules" / program, *arguments)


def run(*command: str | Path, **environment: str) -> str:
    """What a command prints."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout
