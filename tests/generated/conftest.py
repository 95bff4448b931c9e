"""A server with a room for each client, and its documents as it serves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.generated import tools
from tests.live.venue import Venue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture(scope="module")
async def venue(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Venue]:
    venue = Venue(tmp_path_factory.mktemp("venue"))
    await venue.found(python="Python", typescript="TypeScript")
    await venue.start()
    yield venue
    await venue.stop()


@pytest.fixture(scope="module")
def documents(venue: Venue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with `openapi.json` and `asyncapi.json`."""
    tools.install("scripts/documents/node_modules/.package-lock.json")
    folder = tmp_path_factory.mktemp("documents")
    for name in ("openapi.json", "asyncapi.json"):
        (folder / name).write_bytes(httpx.get(f"{venue.url}/{name}").content)
    return folder
