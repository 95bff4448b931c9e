"""The head of a request has a limit, whoever sends it and however slowly."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pulsestage.server.protocol import MAX_HEAD_BYTES
from tests.http.conftest import make_settings
from tests.http.streaming.server import Server, listening


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with listening(make_settings(tmp_path_factory.mktemp("data"), max_body_bytes=10 * MAX_HEAD_BYTES)) as server:
        yield server


async def answers_to(server: Server, *pieces: bytes) -> bytes:
    """All that comes back for these pieces, sent one after the other until the server has enough."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.base_url.rpartition(":")[2]))
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionError:
        return b"reset"  # closed while there was more to come; what was answered is lost on the way
    finally:
        writer.close()


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
