"""Streams behind other people's middleware, whether sockets are handed over or not: uvicorn as a process of its own."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.servers.asgi import PATIENCE_SECONDS, AsgiServer, serving

PATHS = ("http", "gzip", "cors", "session", "all", "reversed", "twice")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """The client's loop; the server has its own."""
    return "asyncio"


@pytest.fixture(scope="module", params=["auto", "pulsestage.server.protocol:StreamingProtocol"], ids=["plain", "ours"])
async def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AsgiServer]:
    directory = tmp_path_factory.mktemp("server")
    shutil.copy(Path(__file__).with_name("behind_middleware.py"), directory)
    with serving(directory, f"uvicorn --http {request.param} behind_middleware:app") as server:
        await server.started()
        yield server


async def announce(server: AsgiServer, text: str) -> None:
    async with server.client() as client:
        (await client.post("/announce", json=text)).raise_for_status()


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("path", PATHS)
async def test_events_come_as_they_happen_and_a_reader_resumes(server: AsgiServer, path: str, encoding: str) -> None:
    async with server.stream(f"/{path}/events", encoding) as stream:
        assert (await stream.next()).type == "connected"
        for text in ("one", "two"):
            await announce(server, text)
            assert (await stream.next()).data == text
        await announce(server, "last")
        last = await stream.next()
        assert last.data == "last"
    await announce(server, "missed")
    async with server.stream(f"/{path}/events", encoding, last.id) as stream:
        assert (await stream.next()).type == "connected"
        assert (await stream.next()).data == "missed"
        await announce(server, "live again")
        assert (await stream.next()).data == "live again"
    assert server.errors() == []


async def test_a_client_of_http_1_0_has_its_events_too(server: AsgiServer) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS), server.client() as client:
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        writer.write(b"GET /http/events HTTP/1.0\r\n\r\n")
        await reader.readuntil(b'"connected"')
        await announce(server, "to the old")
        await reader.readuntil(b'"to the old"')
    writer.close()
    assert server.errors() == []


@pytest.mark.parametrize("path", ["all", "reversed"])
async def test_what_middleware_adds_to_the_head_is_there(server: AsgiServer, path: str) -> None:
    async with server.stream(f"/{path}/events") as stream:
        assert stream.headers["x-marked"] == "yes"
        assert stream.headers["access-control-allow-origin"] == "*"
        assert stream.headers["set-cookie"].startswith("session=")


@pytest.mark.parametrize("path", PATHS)
async def test_a_reader_that_leaves_is_forgotten(server: AsgiServer, path: str) -> None:
    async with server.stream(f"/{path}/events") as stream:
        await stream.next()
    async with asyncio.timeout(PATIENCE_SECONDS), server.client() as client:
        while (await client.get("/count")).json():
            await announce(server, "to nobody")  # a socket that nobody reads shows its end when it is written to
    assert server.errors() == []


async def test_at_sigterm_every_stream_ends_with_its_goodbye_and_the_server_stops(server: AsgiServer) -> None:
    connected = asyncio.Semaphore(0)

    async def last_frame(path: str) -> str:
        async with server.stream(f"/{path}/events") as stream:
            await stream.next()
            connected.release()
            return (await stream.rest())[-1].type

    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as tasks:
        readers = [tasks.create_task(last_frame(path)) for path in PATHS]
        for _ in PATHS:
            await connected.acquire()
        server.process.terminate()
    assert [reader.result() for reader in readers] == ["goodbye"] * len(PATHS)
    await server.exit()
    assert server.errors() == []
