"""A server with streams, and a room on it that nobody else is in."""

from collections.abc import AsyncIterator
from itertools import count

import pytest

from tests.http.conftest import Room, make_settings
from tests.http.streaming.server import Server, listening

FRIEND = "https://slides.example"
_numbers = count(1)


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that a module's tests share; a room of it may have five streams."""
    settings = make_settings(tmp_path_factory.mktemp("data"), cors_origins=FRIEND, max_streams_per_tenant=5)
    async with listening(settings) as server:
        yield server


async def another_room(server: Server) -> Room:
    return await server.room(f"room-{next(_numbers)}")


@pytest.fixture
async def room(server: Server) -> Room:
    return await another_room(server)


@pytest.fixture
def slug(room: Room) -> str:
    return room.tenant.slug
