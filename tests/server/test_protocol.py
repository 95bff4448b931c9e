"""What comes in has limits: of size, of time, and of connections; whoever sends it and however slowly."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from http import HTTPStatus
from pathlib import Path

import pytest

from pulsestage.server import protocol
from pulsestage.server.protocol import MAX_PIPELINED
from tests.http.conftest import make_settings
from tests.http.streaming.server import Server, listening
from tests.server.wire import Wire, until, wire


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with listening(make_settings(tmp_path_factory.mktemp("data"), max_body_bytes=1_000_000)) as server:
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


def with_fields(*fields: bytes) -> bytes:
    return b"".join([GET, *(field + b"\r\n" for field in fields), b"\r\n"])


def with_target(length: int) -> bytes:
    target = b"/health?a="
    return GET.replace(b"/health", target + b"a" * (length - len(target))) + b"\r\n"


def filled(name: bytes, length: int) -> bytes:
    """A field of so many bytes, the end of its line included."""
    return name + b": " + b"a" * (length - len(name) - 4)


def with_total(length: int) -> bytes:
    """Target and fields have so many bytes."""
    rest = length - len(b"/healthHost: a\r\nConnection: close\r\n")
    sizes = [8000] * (rest // 8000) + [rest % 8000]
    return with_fields(*(filled(b"X-A", size) for size in sizes))


LIMITS = {
    "target": (with_target, 20_480, 414, "target_too_long"),
    "field": (lambda size: with_fields(filled(b"X-A", size)), 8_192, 431, "head_too_large"),
    "cookies": (lambda size: with_fields(filled(b"Cookie", size)), 32_768 - 35, 431, "head_too_large"),
    "number of fields": (lambda number: with_fields(*[b"X-A: a"] * (number - 2)), 100, 431, "head_too_large"),
    "all": (with_total, 32_768, 431, "head_too_large"),
}


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.parametrize("name", LIMITS)
async def test_a_head_up_to_each_limit_is_served_and_one_beyond_it_refused(
    server: Server, name: str, pieces: int
) -> None:
    made, limit, status, code = LIMITS[name]
    large = await answers_to(server, *cut(made(limit), pieces))
    larger = await answers_to(server, *cut(made(limit + 1), pieces))
    assert large.startswith(b"HTTP/1.1 200 "), large[:200]
    head, _, body = larger.partition(b"\r\n\r\n")
    status_line, *fields = head.decode().split("\r\n")
    assert status_line == f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    assert {"connection: close", "content-type: application/problem+json", f"content-length: {len(body)}"} <= set(
        fields
    )
    assert {"x-content-type-options: nosniff", "cache-control: no-store"} <= set(fields)
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code)


def cut(text: bytes, pieces: int) -> list[bytes]:
    size = -(-len(text) // pieces)
    return [text[at : at + size] for at in range(0, len(text), size)]


async def test_what_is_no_http_is_told_so_with_a_problem(server: Server) -> None:
    head, _, body = (await answers_to(server, b"HELO\r\n\r\n")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert json.loads(body)["code"] == "bad_request"


async def test_a_request_before_a_refused_one_is_answered(server: Server) -> None:
    answer = await answers_to(server, HEALTH + HEALTH + with_target(30_000))
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert answer.endswith(b"}")


async def test_a_client_that_is_still_sending_gets_the_refusal(server: Server) -> None:
    """To close a connection with unread bytes resets it, and the answer is lost."""
    async with wire(server) as client:
        client.send(with_target(25_000))
        assert (await client.head())[0].startswith("HTTP/1.1 414 ")
        for _ in range(10):
            client.send(b"a" * 50_000)
            await client.writer.drain()
        assert (await client.rest()).endswith(b"}")


async def test_a_client_that_never_ends_sending_is_cut_off(server: Server) -> None:
    async with asyncio.timeout(5):
        assert await answers_to(server, with_target(25_000), *[b"a" * 100_000] * 1000) == b"reset"


@pytest.mark.parametrize("path", [b"/questions", b"/questions/none/upvote"], ids=["reads its body", "reads no body"])
async def test_a_request_with_a_broken_body_gets_one_answer(
    server: Server, path: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The application, which has the head already, must not answer as well."""
    chunked = b"POST " + path + b" HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n"
    async with wire(server) as client:
        client.send(chunked)
        assert (await client.head())[0] == "HTTP/1.1 400 Bad Request"
        assert (await client.rest()).count(b"HTTP/1.1 ") == 0
        await until(lambda: not server.uvicorn.server_state.tasks)
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR] == []


async def test_requests_that_wait_behind_each_other_are_not_without_number(server: Server) -> None:
    answer = await answers_to(server, HEALTH * (2 * MAX_PIPELINED))
    assert MAX_PIPELINED <= answer.count(b"HTTP/1.1 200 ") <= MAX_PIPELINED + 1
    assert answer.count(b"connection: close") == 1


@pytest.mark.parametrize("piece", [b"a" * 8192, b"X-A: a\r\n" * 1024], ids=["one field", "many fields"])
async def test_a_head_without_end_ends(server: Server, piece: bytes) -> None:
    async with asyncio.timeout(5):
        answer = await answers_to(server, GET, b"X-A: a" if b":" not in piece else b"", *[piece] * 10_000)
    assert answer == b"reset" or answer.startswith(b"HTTP/1.1 431 ")


async def test_bodies_and_requests_that_follow_each_other_are_not_counted(server: Server) -> None:
    body = b'{"body":"' + b" " * 200_000 + b'Why?"}'
    post = b"POST /questions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    gets = [b"GET /health HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 8_000 + b"\r\n\r\n"] * 20
    answer = await answers_to(server, post % len(body), body, *gets, GET + b"\r\n")
    assert answer.count(b"HTTP/1.1 201 ") == 1
    assert answer.count(b"HTTP/1.1 200 ") == 21


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
