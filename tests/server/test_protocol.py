"""What comes in has limits: of size, of time, and of connections; whoever sends it and however slowly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from pulsestage.server import protocol
from pulsestage.server.protocol import MAX_HEAD_BYTES
from tests.http.conftest import make_settings
from tests.http.streaming.server import Server, listening
from tests.server.wire import Wire, until, wire


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with listening(make_settings(tmp_path_factory.mktemp("data"), max_body_bytes=10 * MAX_HEAD_BYTES)) as server:
        yield server


async def answers_to(server: Server, *pieces: bytes) -> bytes:
    """All that comes back for these pieces, sent one after the other until the server has enough."""
    async with wire(server) as client:
        try:
            for piece in pieces:
                client.send(piece)
                await client.writer.drain()
        except ConnectionError:
            return b"reset"  # closed while there was more to come; what was answered is lost on the way
        return await client.rest()


GET = b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"


async def test_a_large_head_is_served_and_a_larger_one_refused(server: Server) -> None:
    assert (await answers_to(server, GET, b"X-A: " + b"a" * (MAX_HEAD_BYTES - 100), b"\r\n\r\n")).startswith(
        b"HTTP/1.1 200 "
    )
    answer = await answers_to(server, GET, b"X-A: " + b"a" * (MAX_HEAD_BYTES - 100), b"a" * 1000)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.endswith(b"The head of the request is too large.")


@pytest.mark.parametrize("piece", [b"a" * 8192, b"X-A: a\r\n" * 1024], ids=["one field", "many fields"])
async def test_a_head_without_end_ends(server: Server, piece: bytes) -> None:
    async with asyncio.timeout(5):
        answer = await answers_to(server, GET, b"X-A: a" if b":" not in piece else b"", *[piece] * 10_000)
    assert answer == b"reset" or answer.startswith(b"HTTP/1.1 400 ")


async def test_bodies_and_requests_that_follow_each_other_are_not_counted(server: Server) -> None:
    body = b'{"body":"' + b" " * (3 * MAX_HEAD_BYTES) + b'Why?"}'
    post = b"POST /questions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    gets = [b"GET /health HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 30_000 + b"\r\n\r\n"] * 5
    answer = await answers_to(server, post % len(body), body, *gets, GET + b"\r\n")
    assert answer.count(b"HTTP/1.1 201 ") == 1
    assert answer.count(b"HTTP/1.1 200 ") == 6


async def test_trailers_have_the_same_limit(server: Server) -> None:
    post = b"POST /questions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    async with asyncio.timeout(5):
        answer = await answers_to(server, post, *[b"X-A: a\r\n" * 1024] * 10_000)
    assert b"HTTP/1.1 2" not in answer


async def test_a_client_that_sends_no_more_is_answered(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    async def until_no_more_comes() -> None:
        [connection] = server.uvicorn.server_state.connections
        await until(lambda: connection.half_closed)  # type: ignore[union-attr]

    monkeypatch.setattr(server.app.state.context.directory, "check", until_no_more_comes)
    async with wire(server) as client:
        client.send(b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n")
        client.writer.write_eof()
        answer = await client.rest()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close\r\n" in answer


@pytest.mark.parametrize("sent", [b"GET /hea", b"POST /questions HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"])
async def test_half_a_request_of_which_no_more_comes_is_dropped(server: Server, sent: bytes) -> None:
    async with wire(server) as client:
        client.send(sent)
        client.writer.write_eof()
        assert await client.rest() == b""


# ---- Time --------------------------------------------------------------------------------------


POST = b"POST /questions HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
SLOW = {"nothing": b"", "half a head": HEALTH[:20], "half a body": POST + b"{", "empty lines": b"\r\n\r\n"}


@pytest.fixture
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.1)


@pytest.mark.usefixtures("_hurry")
@pytest.mark.parametrize("said", SLOW.values(), ids=SLOW)
@pytest.mark.parametrize("before", [b"", HEALTH], ids=["first", "second"])
async def test_a_request_that_does_not_arrive_ends_the_connection(server: Server, said: bytes, before: bytes) -> None:
    async with wire(server) as client:
        if before:
            client.send(before)
            await client.until(b"}")
        if said or not before:  # between two requests uvicorn waits for 5 seconds
            client.send(said)
            assert await client.rest() == b""


@pytest.mark.usefixtures("_hurry")
async def test_the_body_that_an_early_answer_did_not_wait_for_has_the_same_time(server: Server) -> None:
    async with wire(server) as client:
        client.send(POST.replace(b"100", b"99999999") + b"{")
        assert (await client.head())[0].startswith("HTTP/1.1 413 ")
        assert (await client.rest()).startswith(b'{"')


@pytest.mark.usefixtures("_hurry")
async def test_who_has_said_all_is_not_hurried(server: Server) -> None:
    async with wire(server) as client, wire(server) as other:
        client.send(b"GET /sse HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.head()
        await client.frame()
        assert await other.rest() == b"", "this one has said nothing"
        await (await server.room("default")).ask("Still here?")
        assert "Still here?" in await client.frame()


# ---- Connections -------------------------------------------------------------------------------


async def test_one_connection_too_many_is_told_so_and_closed(tmp_path: Path) -> None:
    async with listening(make_settings(tmp_path, max_connections=10)) as server, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(wire(server)) for _ in range(10)]
        for client in clients[:5]:
            client.send(b"GET /sse HTTP/1.1\r\nHost: a\r\n\r\n")
            await client.frame()
        await until(lambda: len(server.uvicorn.server_state.connections) == 5)  # the others say nothing
        assert await refusal_of(await stack.enter_async_context(wire(server))) == [
            "HTTP/1.1 503 Service Unavailable", "retry-after: 5", "content-length: 0", "connection: close",
        ]  # fmt: skip
        clients[0].writer.close()
        await until(lambda: server.app.state.hub.total_connections == 4)
        clients[9].send(HEALTH)
        assert (await clients[9].head())[0] == "HTTP/1.1 200 OK"
        newcomer = await stack.enter_async_context(wire(server))
        newcomer.send(HEALTH)
        assert (await newcomer.head())[0] == "HTTP/1.1 200 OK"


async def refusal_of(client: Wire) -> list[str]:
    """Its lines, and then the end."""
    head = await client.head()
    assert await client.rest() == b""
    return head


async def test_what_follows_the_body_is_not_part_of_the_head(server: Server) -> None:
    ask = b"POST /questions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    trailers = b"X-Tenant-ID: nobody\r\nX-Forwarded-For: 192.0.2.9\r\n"
    async with wire(server) as client:
        client.send(ask + b'f\r\n{"body":"Why?"}\r\n0\r\n' + trailers + b"\r\n")
        assert (await client.head())[0] == "HTTP/1.1 201 Created"
