"""HTTP/2: the same application under hypercorn, whose streams go through ASGI."""

import asyncio
import socket
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config

from pulsestage.bootstrap import application
from pulsestage.realtime import Hub
from tests.http.conftest import Room, make_settings, new_room
from tests.server.two import Client, client
from tests.server.wire import until


@asynccontextmanager
async def under_hypercorn(app: Any) -> AsyncIterator[int]:
    """The application, served; the port."""
    over = asyncio.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = None
    serving = asyncio.ensure_future(serve(app, config, shutdown_trigger=over.wait))
    try:
        await until(lambda: hasattr(app.state, "hub") or serving.done())
        yield port
        await app.state.hub.close("shutdown")
    finally:
        over.set()
        await serving


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return application(make_settings(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
async def port(app: Any) -> AsyncIterator[int]:
    async with under_hypercorn(app) as port:
        yield port


@pytest.fixture
async def two(port: int) -> AsyncIterator[Client]:
    async with client(port) as two:
        yield two


@pytest.fixture
async def room(port: int, app: Any) -> Room:
    return await new_room(app)


@pytest.fixture
def path(room: Room) -> str:
    return f"/sse?tenantId={room.tenant.slug}"


@pytest.fixture
def hub(port: int, app: Any) -> Hub:
    hub: Hub = app.state.hub
    return hub


async def test_a_stream_begins_goes_on_and_ends(two: Client, room: Room, path: str, hub: Hub) -> None:
    async with two.get(path) as stream:
        assert stream.headers[":status"] == "200"
        assert stream.headers["content-type"] == "text/event-stream"
        assert "connection" not in stream.headers, "HTTP/2 has none (RFC 9113, section 8.2.2)"
        assert (await stream.next()).type == "connected"
        await room.ask("Over HTTP/2?")
        assert (await stream.next()).data["body"] == "Over HTTP/2?"
        assert hub.connections(room.tenant.id) == 1
    await until(lambda: not hub.connections(room.tenant.id))


async def test_resuming(two: Client, room: Room, path: str) -> None:
    async with two.get(path) as stream:
        await stream.next()
        await room.ask("Seen?")
        seen = await stream.next()
    missed = await room.ask("Missed?")
    async with two.get(path, last_event_id=str(seen.id)) as stream:
        assert (await stream.next()).id == seen.id
        assert (await stream.next()).data["questionId"] == missed


async def test_gzip(two: Client, room: Room, path: str) -> None:
    async with two.get(path, accept_encoding="gzip") as stream:
        assert stream.headers["content-encoding"] == "gzip"
        reader, text = zlib.decompressobj(wbits=31), b""
        for expected in (b"connected", b"Compressed?"):
            while expected not in text:
                text += reader.decompress(await stream.some())
            await room.ask("Compressed?")


async def test_many_streams_share_a_connection_and_one_that_ends_ends_no_other(
    two: Client, room: Room, path: str, hub: Hub
) -> None:
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(two.get(path)) for _ in range(9)]
        async with two.get(path) as passing:
            await passing.next()
            assert hub.connections(room.tenant.id) == 10
        await until(lambda: hub.connections(room.tenant.id) == 9)
        await room.ask("Heard by all?")
        for stream in streams:
            assert (await stream.next()).type == "connected"
            assert (await stream.next()).data["body"] == "Heard by all?"


async def test_one_that_is_not_read_stops_no_other(two: Client, room: Room, path: str) -> None:
    async with two.get(path) as stuck, two.get(path) as read:
        await read.next()
        asked: list[str] = []
        while len(asked) < 150:  # twice the window of a stream (RFC 9113, section 6.9.2)
            asked.append(await room.ask("x" * 1000))
            assert (await read.next()).data["questionId"] == asked[-1]
        assert len(stuck.body) <= 65535
        await stuck.next()
        for question in asked:
            assert (await stuck.next()).data["questionId"] == question


async def test_the_goodbye_comes_before_the_end(tmp_path_factory: pytest.TempPathFactory) -> None:
    app = application(make_settings(tmp_path_factory.mktemp("data")))
    async with under_hypercorn(app) as port, client(port) as two, two.get("/sse") as stream:
        await stream.next()
        await app.state.hub.close("shutdown")
        assert (await stream.next()).type == "goodbye"
        await two.wait(lambda: stream.ended)
