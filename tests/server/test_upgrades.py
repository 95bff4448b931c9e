"""Requests that would rather speak HTTP/2 or WebSocket are answered over HTTP/1.1, without a word in the log."""

import logging
import re
from collections.abc import AsyncIterator, Iterator

import pytest

from pulsestage.server.protocol import MAX_PIPELINED
from tests.http.conftest import make_settings
from tests.http.streaming.server import Server, listening
from tests.server.wire import Wire, wire

H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
WEBSOCKET = (
    b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
BODY = b'{"body":"Why?"}'
ASK = b"POST /questions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
FRAMED = {
    "with its length": (b"Content-Length: 15\r\n", BODY),
    "in chunks": (b"Transfer-Encoding: chunked\r\n", b"5\r\n" + BODY[:5] + b"\r\na\r\n" + BODY[5:] + b"\r\n0\r\n\r\n"),
}


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with listening(make_settings(tmp_path_factory.mktemp("data"))) as server:
        yield server


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [each.getMessage() for each in caplog.get_records("call") if each.levelno >= logging.WARNING] == []


async def status(client: Wire) -> str:
    """The status of the next answer, whose body is read too."""
    status, *fields = await client.head()
    [length] = [field.split(": ")[1] for field in fields if field.lower().startswith("content-length")]
    await client.exactly(int(length))
    return status.split(" ")[1]


@pytest.mark.parametrize(
    "upgrade", [H2C, WEBSOCKET, H2C.replace(b"h2c", b"h2c, websocket"), H2C + b"Upgrade: TLS/1.0\r\n"]
)
@pytest.mark.parametrize("together", [True, False], ids=["in one piece", "one after the other"])
async def test_each_request_of_a_connection_is_answered(server: Server, upgrade: bytes, *, together: bool) -> None:
    asks = b"GET /health HTTP/1.1\r\nHost: a\r\n" + upgrade + b"\r\n"
    others = [b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n", asks, b"GET /tags HTTP/1.1\r\nHost: a\r\n\r\n"]
    async with wire(server) as client:
        if together:
            client.send(asks + b"".join(others))
            got = [await status(client) for _ in range(4)]
        else:
            got = []
            for each in (asks, *others):
                client.send(each)
                got.append(await status(client))
    assert got == ["200", "404", "200", "200"]


@pytest.mark.parametrize("upgrade", [H2C, WEBSOCKET])
@pytest.mark.parametrize("framing", FRAMED)
async def test_its_body_is_read(server: Server, upgrade: bytes, framing: str) -> None:
    field, body = FRAMED[framing]
    request = ASK + field + upgrade + b"\r\n" + body + b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
    async with wire(server) as client:
        client.send(request)
        assert [await status(client) for _ in range(2)] == ["201", "200"]
    async with wire(server) as client:
        for byte in request:
            client.send(bytes([byte]))
            await client.writer.drain()
        assert [await status(client) for _ in range(2)] == ["201", "200"]


async def test_a_client_that_waits_to_send_its_body_is_told_to_go_on(server: Server) -> None:
    async with wire(server) as client:
        client.send(ASK + b"Content-Length: 15\r\nExpect: 100-continue\r\n" + H2C + b"\r\n")
        assert (await client.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        client.send(BODY)
        assert await status(client) == "201"


@pytest.mark.parametrize("upgrade", [H2C, WEBSOCKET])
async def test_a_stream_is_a_stream(server: Server, upgrade: bytes) -> None:
    async with wire(server) as client:
        client.send(b"GET /sse HTTP/1.1\r\nHost: a\r\n" + upgrade + b"\r\n")
        assert (await client.head())[0] == "HTTP/1.1 200 OK"
        assert "connected" in await client.frame()


async def test_many_at_once(server: Server) -> None:
    asks = b"GET /health HTTP/1.1\r\nHost: a\r\n" + H2C + b"\r\n"
    async with wire(server) as client:
        client.send(asks * MAX_PIPELINED)
        assert {await status(client) for _ in range(MAX_PIPELINED)} == {"200"}


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /health HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close, upgrade\r\nUpgrade: h2c\r\n\r\n",
        ASK.replace(b"1.1", b"1.0") + b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 15\r\n\r\n" + BODY,
    ],
    ids=["HTTP/1.0", "close", "HTTP/1.0 with a body"],
)
async def test_without_keeping_the_connection(server: Server, request_: bytes) -> None:
    async with wire(server) as client:
        client.send(request_)
        assert re.match(rb"HTTP/1.1 20[01] ", await client.rest())


async def test_a_tunnel_is_refused_and_what_would_go_through_it_is_no_request(server: Server) -> None:
    inside = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
    async with wire(server) as client:
        client.send(b"CONNECT /health HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(inside) + inside)
        answers = await client.rest()
    assert answers.startswith(b"HTTP/1.1 405 ")
    assert answers.count(b"HTTP/1.1 ") == 1
