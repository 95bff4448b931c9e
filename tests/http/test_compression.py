"""Content codings: which one a client gets, and what compression leaves of an answer."""

import gzip
import threading
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from httpx import ASGITransport, AsyncClient, Response
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.responses import Response as Answer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pulsestage.http import compression
from pulsestage.http.compression import MAX_INLINE_BYTES, MIN_BYTES, Compression
from tests.http.conftest import Room


async def ask(app: ASGIApp, *, accept: str | None = "gzip", method: str = "GET") -> Response:
    """What a client gets over the wire, in its raw form."""
    async with AsyncClient(transport=ASGITransport(Compression(app)), base_url="http://pulsestage.test") as client:
        del client.headers["accept-encoding"]
        headers = {} if accept is None else {"Accept-Encoding": accept}
        async with client.stream(method, "/", headers=headers) as answer:
            answer.extensions["raw"] = b"".join([piece async for piece in answer.aiter_raw()])
        return answer


def raw(answer: Response) -> bytes:
    body: bytes = answer.extensions["raw"]
    return body


LARGE = [{"body": "Why?", "number": number} for number in range(200)]
VERY_LARGE = LARGE * 20


@pytest.mark.parametrize("content", [LARGE, VERY_LARGE], ids=["at once", "in a thread"])
async def test_large_json_is_compressed(content: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    by: list[threading.Thread] = []

    def noted(*arguments: Any, **named: Any) -> bytes:
        by.append(threading.current_thread())
        return gzip.compress(*arguments, **named)

    monkeypatch.setattr(compression, "gzip", SimpleNamespace(compress=noted))
    plain = await ask(JSONResponse(content), accept=None)
    answer = await ask(JSONResponse(content, 404, {"X-More": "yes"}))
    assert gzip.decompress(raw(answer)) == raw(plain)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers.get_list("content-length") == [str(len(raw(answer)))]
    assert answer.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert (answer.status_code, answer.headers["x-more"]) == (404, "yes")
    assert "content-encoding" not in plain.headers
    # What takes long is done elsewhere than on the event loop.
    assert [thread is threading.current_thread() for thread in by] == [len(raw(plain)) <= MAX_INLINE_BYTES]
    assert (len(raw(plain)) <= MAX_INLINE_BYTES) == (content is LARGE)


@pytest.mark.parametrize("accept", [None, "", "br", "gzip;q=0", "identity, gzip;q=0.5"])
async def test_who_prefers_it_plain_gets_it_plain(accept: str | None) -> None:
    answer = await ask(JSONResponse(LARGE), accept=accept)
    assert "content-encoding" not in answer.headers
    assert msgspec.json.decode(raw(answer)) == LARGE


@pytest.mark.parametrize(
    "app",
    [
        PlainTextResponse("x" * (MIN_BYTES - 1)),
        Answer(b"\x89PNG" * 1000, media_type="image/png"),
        Answer(b"x" * 5000, media_type="application/json", headers={"Content-Encoding": "br"}),
        PlainTextResponse("x" * 5000, 206, {"Content-Range": "bytes 0-4999/9000"}),
        Answer(status_code=204),
    ],
    ids=["small", "an image", "compressed already", "a part", "nothing"],
)
async def test_what_gains_nothing_stays_as_it_is(app: Answer) -> None:
    answer = await ask(app)
    assert raw(answer) == app.body
    assert answer.headers.raw == app.raw_headers


async def test_vary_is_said_once_beside_others() -> None:
    answer = await ask(PlainTextResponse("x" * 5000, headers={"Vary": "Accept-Encoding"}))
    assert answer.headers.get_list("vary") == ["Accept-Encoding"]
    answer = await ask(PlainTextResponse("x" * 5000, headers={"Vary": "Origin"}))
    assert answer.headers.get_list("vary") == ["Origin, Accept-Encoding"]


async def test_what_comes_in_pieces_passes_as_it_comes() -> None:
    async def pieces() -> Any:
        yield b"x" * 3000
        yield b"y" * 3000

    headers = {"Content-Length": "6000"}
    answer = await ask(StreamingResponse(pieces(), headers=headers, media_type="text/plain"))
    assert raw(answer) == b"x" * 3000 + b"y" * 3000
    assert "content-encoding" not in answer.headers


async def test_the_head_of_a_stream_is_never_held_back() -> None:
    """A socket is handed over as soon as the head has been sent."""
    sent: list[Message] = []

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        head = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        assert [message["type"] for message in sent] == ["http.response.start"]

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    scope = {"type": "http", "headers": [(b"accept-encoding", b"gzip")]}
    await Compression(stream)(scope, receive, send)
    assert sent[0]["headers"] == [(b"content-type", b"text/event-stream")]


async def test_the_api_compresses_lists_documents_and_metrics(room: Room) -> None:
    for number in range(30):
        await room.ask(f"Question {number} of thirty?")
    guest = room.guest()
    for address in ("/questions", "/openapi.json", "/asyncapi.json", "/metrics"):
        plain = await guest.get(address, headers={"Accept-Encoding": "identity"})
        packed = await guest.get(address, headers={"Accept-Encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip", address
        assert int(packed.headers["content-length"]) * 2 < int(plain.headers["content-length"]), address
        assert "content-encoding" not in plain.headers
        head = await guest.head(address, headers={"Accept-Encoding": "gzip"})
        assert (head.headers["content-encoding"], head.content) == ("gzip", b"")


async def test_a_ticket_is_never_compressed(room: Room) -> None:
    """It is a secret, and the length of compressed secrets tells of them (BREACH)."""
    answer = await room.guest().post("/sse/tickets", headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 201
    assert "content-encoding" not in answer.headers
