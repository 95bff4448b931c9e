"""Writes the documents that a server answers with, without a server: `python -m scripts.dump_documents <folder>`."""

import json
import sys
from pathlib import Path

from pulsestage.http import asyncapi
from pulsestage.http.app import HttpOptions, create_app


def dump(folder: Path) -> None:
    """Write `openapi.json` and `asyncapi.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = {"openapi": create_app(HttpOptions()).openapi(), "asyncapi": asyncapi.describe()}
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document, indent=2, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    dump(Path(sys.argv[1]))
