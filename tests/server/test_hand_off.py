"""A stream's socket is given to the engine: what is on the wire, what uvicorn keeps of it, and what follows on it."""

import asyncio
import gc
import logging
import re
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from structlog.testing import capture_logs
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pulsestage.realtime import Hub, MemoryEventStore, StreamRequest, respond, response
from pulsestage.realtime.socket_sink import MAX_DISCARDED_BYTES
from pulsestage.server.protocol import TOUCHED, StreamingProtocol, can_hand_off
from pulsestage.services import streams
from tests.http.conftest import Room, make_settings
from tests.http.streaming.server import Server, listening
from tests.server.wire import Wire, until, wire

FRIEND = "https://slides.example"
GET = b"GET /sse HTTP/1.1\r\nHost: a\r\n\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with listening(make_settings(tmp_path_factory.mktemp("data"), cors_origins=FRIEND)) as server:
        yield server


@pytest.fixture
async def room(server: Server) -> Room:
    return await server.room("default")


async def streams_end(server: Server) -> None:
    await until(lambda: not server.app.state.hub.total_connections)


# ---- On the wire -------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_the_head_is_exactly_this(server: Server, version: str) -> None:
    async with wire(server) as client:
        client.send(f"GET /sse HTTP/{version}\r\nHost: a\r\nOrigin: {FRIEND}\r\nX-Request-ID: r1\r\n\r\n".encode())
        status, date, *head = await client.head()
        assert status == "HTTP/1.1 200 OK"
        assert re.fullmatch(r"date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", date)
        assert head == [
            "content-type: text/event-stream",
            "cache-control: no-cache",
            "x-accel-buffering: no",
            "vary: Accept-Encoding, Origin",
            "access-control-allow-credentials: true",
            "access-control-expose-headers: X-Stream-Position, X-Request-ID, Link, Retry-After",
            f"access-control-allow-origin: {FRIEND}",
            "x-request-id: r1",
            "x-content-type-options: nosniff",
            "referrer-policy: same-origin",
            "connection: close",
            *(["transfer-encoding: chunked"] if version == "1.1" else []),
        ]
        assert (await client.frame()).startswith("retry: ")


async def test_head_gets_the_same_head_and_keeps_the_connection(server: Server) -> None:
    async with wire(server) as client:
        client.send(GET.replace(b"GET", b"HEAD"), HEALTH)
        head = await client.head()
        assert "content-type: text/event-stream" in head
        assert "connection: close" not in head
        assert (await client.head())[0] == "HTTP/1.1 200 OK"
    await streams_end(server)


async def test_a_stream_may_follow_on_a_connection_that_was_used_before(server: Server, room: Room) -> None:
    async with wire(server) as client:
        for _ in range(2):
            client.send(HEALTH)
            await client.until(b"}")
        client.send(GET)
        await client.head()
        assert "connected" in await client.frame()
        await room.ask("Used before?")
        assert "Used before?" in await client.frame()


@pytest.mark.parametrize(
    "body", [b"Content-Length: 2\r\n\r\n{}", b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"]
)
async def test_a_request_with_a_body(server: Server, room: Room, body: bytes) -> None:
    async with wire(server) as client:
        client.send(GET[:-2] + body)
        head = await client.head()
        assert "connection: close" in head
        assert "connected" in await client.frame()
        await room.ask("With a body?")
        assert "With a body?" in await client.frame()


async def test_with_half_a_body_it_is_too_early_to_hand_over(server: Server, room: Room) -> None:
    async with wire(server) as client:
        client.send(GET[:-2] + b"Content-Length: 4\r\n\r\n{}")
        assert "connection: close" not in await client.head()
        assert "connected" in await client.frame()
        client.send(b"{}")
        await room.ask("With a late body?")
        assert "With a late body?" in await client.frame()


async def test_a_body_without_end_ends_the_stream_as_its_client_would(server: Server) -> None:
    with capture_logs() as logged:
        async with wire(server) as client:
            client.send(GET[:-2] + b"Transfer-Encoding: chunked\r\n\r\n")
            await client.until(b'"type":"connected"')
            client.send(b"10000\r\n%b\r\n1\r\nx\r\n" % (b"x" * 0x10000))
            await client.rest()
        await streams_end(server)
    assert not [each for each in logged if each["event"] == "request failed"]


async def test_every_payload_is_a_chunk_of_its_own_and_the_last_one_says_so(tmp_path: Path) -> None:
    async with listening(make_settings(tmp_path)) as server, wire(server) as client:
        client.send(GET)
        await client.head()
        await client.frame()
        client.send(b"GET /never HTTP/1.1\r\n\r\n")
        server.uvicorn.should_exit = True
        sent = await client.rest()
    size, _, goodbye = sent.removeprefix(b"\r\n").partition(b"\r\n")
    assert b'"goodbye"' in goodbye
    assert goodbye[int(size, 16) :] == b"\r\n0\r\n\r\n"


async def test_what_is_accepted_may_be_said_in_several_lines(server: Server) -> None:
    async with wire(server) as client:
        client.send(GET[:-2] + b"Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n\r\n")
        assert "content-encoding: gzip" in await client.head()


async def test_without_chunks_for_http_1_0(server: Server, room: Room) -> None:
    async with wire(server) as client:
        client.send(GET.replace(b"1.1", b"1.0"))
        await client.head()
        await client.frame()
        await room.ask("Chunks?")
        assert (await client.until(b"\n\n")).startswith(b'data: {"type":"question:created"')


# ---- What follows on the connection ------------------------------------------------------------


FOLLOWING = {"a request": HEALTH, "another stream": GET, "garbage": b"\x00garbage\r\n\r\n", "half a head": HEALTH[:20]}


@pytest.mark.parametrize("following", FOLLOWING.values(), ids=FOLLOWING)
@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
async def test_what_follows_the_request_is_dropped(
    server: Server, room: Room, following: bytes, *, later: bool
) -> None:
    async with wire(server) as client:
        client.send(GET if later else GET + following)
        await client.head()
        assert "connected" in await client.frame()
        if later:
            client.send(following)
        await room.ask("Still here?")
        frame = await client.frame()
        assert frame.startswith("data: ")
        assert "Still here?" in frame
        assert server.app.state.hub.total_connections == 1
    await streams_end(server)


async def test_who_says_too_much_is_cut_off(server: Server) -> None:
    async with wire(server) as client:
        client.send(GET)
        await client.head()
        client.send(b"x" * (MAX_DISCARDED_BYTES + 1))
        await client.rest()
    await streams_end(server)


async def test_requests_before_the_stream_are_answered_first(server: Server) -> None:
    async with wire(server) as client:
        client.send(HEALTH + HEALTH + GET + HEALTH)
        for _ in range(2):
            assert "content-type: application/json" in await client.head()
        assert "content-type: text/event-stream" in (await client.until(b"\r\n\r\n")).decode()
        assert "connected" in await client.frame()


async def test_a_client_that_stops_sending_keeps_its_stream(server: Server, room: Room) -> None:
    async with wire(server) as client:
        client.send(GET)
        await client.head()
        await client.frame()
        client.writer.write_eof()
        probes = [await client.frame() for _ in range(4)]
        assert probes == [":\n\n"] * 4
        await room.ask("Half closed?")
        assert "Half closed?" in await client.frame()
    # Nobody reads the socket any more, so that its end is met by what is written next.
    async with asyncio.timeout(10):
        while server.app.state.hub.total_connections:
            await room.ask("Closed?")


async def test_a_client_that_left_while_its_request_was_looked_at_has_no_stream(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reached, decided, request = asyncio.Event(), asyncio.Event(), streams.request

    async def slow(*arguments: Any, **named: Any) -> Any:
        reached.set()
        await decided.wait()
        return await request(*arguments, **named)

    monkeypatch.setattr(streams, "request", slow)
    joins = server.app.state.hub.stats().joins
    async with wire(server) as client:
        client.send(GET)
        await reached.wait()
    [connection] = server.uvicorn.server_state.connections
    assert isinstance(connection, StreamingProtocol)
    await until(lambda: connection.half_closed)
    decided.set()
    await until(lambda: not server.uvicorn.server_state.tasks and not server.uvicorn.server_state.connections)
    assert server.app.state.hub.stats().joins == joins
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_what_a_middleware_sends_after_the_hand_off_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryEventStore()
    store.create("t1")

    async def ends_the_body(scope: Any, receive: Any, send: Any) -> None:
        await respond(scope, receive, send, hub=hub, request=StreamRequest(tenant="t1", audiences=("public",)))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    http: Any = StreamingProtocol
    config = uvicorn.Config(ends_the_body, port=0, http=http, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    async with Hub(store) as hub:
        running = asyncio.create_task(server.serve())
        await until(lambda: server.started)
        client = Wire(*await asyncio.open_connection(*server.servers[0].sockets[0].getsockname()))
        client.send(GET)
        await client.head()
        assert "connected" in await client.frame()
        await until(lambda: not server.server_state.tasks)
        await hub.close("over")
        assert "goodbye" in await client.frame()
        client.writer.close()
        server.should_exit = True
        await running
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


# ---- What uvicorn keeps ------------------------------------------------------------------------


async def test_uvicorn_forgets_the_connection_without_the_garbage_collector(
    server: Server, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[weakref.ref[StreamingProtocol]] = []
    let_go = StreamingProtocol.let_go

    def note(protocol: StreamingProtocol) -> asyncio.Transport:
        given.append(weakref.ref(protocol))
        return let_go(protocol)

    monkeypatch.setattr(StreamingProtocol, "let_go", note)
    gc.disable()
    try:
        async with wire(server) as client:
            client.send(HEALTH + GET)
            await client.until(b"event-stream")
            await client.frame()
            await until(lambda: not server.uvicorn.server_state.tasks and given[0]() is None)
            assert not server.uvicorn.server_state.connections
            await room.ask("Who remembers?")
            assert "Who remembers?" in await client.frame()
    finally:
        gc.enable()


async def test_requests_that_take_no_offer_are_forgotten_likewise(server: Server) -> None:
    gc.disable()
    try:
        async with wire(server) as client:
            client.send(HEALTH)
            await client.until(b"}")
            await until(lambda: not server.uvicorn.server_state.tasks)
            [protocol] = server.uvicorn.server_state.connections
            assert isinstance(protocol, StreamingProtocol)
            kept: list[weakref.ref[Any]] = [weakref.ref(protocol), weakref.ref(protocol.cycle)]
            client.send(HEALTH)
            await client.until(b"}")
            await until(lambda: kept[1]() is None)
            del protocol
        await until(lambda: kept[0]() is None)
    finally:
        gc.enable()


def test_all_that_is_touched_is_there_in_this_uvicorn() -> None:
    can_hand_off.cache_clear()
    assert can_hand_off(), "the hand-off must be adapted to this version of uvicorn"


async def test_where_something_is_missing_streams_go_through_asgi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(TOUCHED, HttpToolsProtocol, (*TOUCHED[HttpToolsProtocol], "renamed"))
    caches: list[Any] = [can_hand_off, response._note_fall_back]
    for cache in caches:
        cache.cache_clear()
    try:
        async with listening(make_settings(tmp_path)) as server:
            room = await server.room("default")
            with caplog.at_level(logging.WARNING):
                for number in range(2):
                    async with wire(server) as client:
                        client.send(GET)
                        assert "connection: close" not in await client.head()
                        assert "connected" in await client.frame()
                        await room.ask(f"Number {number}?")
                        assert f"Number {number}?" in await client.frame()
        told = [record.getMessage() for record in caplog.records if record.name.startswith("pulsestage.")]
        assert told == [
            "This version of uvicorn can't hand over its sockets (no renamed)",
            "This server does not hand over its sockets: streams go through ASGI, which costs more",
        ]
    finally:
        for cache in caches:
            cache.cache_clear()
