"""The ASGI sink: under its contract, against a server made of queues; then in a real uvicorn."""

import asyncio
import socket
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from pulsestage.contracts.sink import Connection, SinkContract, Witness
from pulsestage.realtime import AsgiSink, EncodingName, Hub, MemoryEventStore, SinkFull, StreamRequest
from tests.realtime.support import parse

HEADERS = [(b"content-type", b"text/event-stream")]


class Server:
    """The server's end of one ASGI request. It buffers a little, and its client reads when it is told to."""

    buffer = 10_000

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.body = b""
        self.taken = 0.0
        self.changed = asyncio.Condition()
        self.gone = asyncio.Event()
        self.sink = AsgiSink(self.receive, self.send)
        self.run = asyncio.ensure_future(self.sink.run(HEADERS))

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        self.body += message.get("body", b"")
        async with self.changed:
            self.changed.notify_all()
            await self.changed.wait_for(lambda: len(self.body) - self.taken <= self.buffer)

    async def received(self, size: int) -> bytes:
        async with asyncio.timeout(5), self.changed:
            while True:
                self.taken = len(self.body)
                self.changed.notify_all()
                if len(self.body) >= size:
                    return self.body
                await self.changed.wait()

    async def received_to_end(self) -> bytes:
        self.taken = float("inf")
        async with asyncio.timeout(5):
            await self.run
        assert self.sent[-1]["more_body"] is False
        return self.body

    async def leave(self) -> None:
        self.gone.set()


async def test_progress_is_what_the_server_has_taken() -> None:
    server = Server()
    sink = server.sink
    sink.write(b"x" * 300_000)
    seen = []
    for size in (1, 65_537, 131_073):
        await server.received(size)
        seen.append(sink.progress)
        await asyncio.sleep(0.01)
        seen.append(sink.progress)
    assert seen == sorted(seen)
    assert seen[0] < seen[2] < seen[4] < 300_000, "the server takes a piece after the other"
    server.gone.set()
    await server.run


class TestAsgiSink(SinkContract):
    @pytest.fixture
    async def connection(self) -> AsyncIterator[Connection]:
        server = Server()
        yield server
        server.gone.set()
        await server.run


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    yield server
    server.gone.set()
    await server.run


async def test_one_payload_is_in_flight_and_none_is_queued(server: Server) -> None:
    Witness(server.sink)
    assert not server.sink.write(b"1")
    with pytest.raises(SinkFull):
        server.sink.write(b"2")


async def test_a_large_payload_goes_in_pieces(server: Server) -> None:
    server.sink.write(b"x" * 150_000)
    await server.received(150_000)
    assert [len(message["body"]) for message in server.sent[1:]] == [65536, 65536, 18928]


async def test_the_head_comes_first_and_at_once(server: Server) -> None:
    await asyncio.sleep(0)
    assert server.sent == [{"type": "http.response.start", "status": 200, "headers": HEADERS}]


async def test_closed_before_it_ran() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    sink = AsgiSink(receive, send)
    witness = Witness(sink)
    sink.write(b"accepted")
    sink.close(b"bye")
    await sink.run(HEADERS)
    assert [message.get("body") for message in sent] == [None, b"accepted", b"bye", b""]
    assert witness.closes == 1

    sink = AsgiSink(receive, send)
    witness = Witness(sink)
    sink.write(b"dropped")
    sink.abort()
    sent.clear()
    await sink.run(HEADERS)
    assert [message.get("body") for message in sent] == [None, b""]
    assert witness.closes == 1


@pytest.mark.parametrize("error", [OSError, ConnectionResetError])
async def test_a_client_that_is_gone_is_no_error(error: type[Exception]) -> None:
    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            raise error

    sink = AsgiSink(asyncio.Event().wait, send)  # type: ignore[arg-type]
    witness = Witness(sink)
    sink.write(b"x")
    await sink.run(HEADERS)
    assert witness.closes == 1


async def test_a_mistake_is_raised() -> None:
    async def send(message: Any) -> None:
        raise TypeError("bad headers")

    sink = AsgiSink(asyncio.Event().wait, send)  # type: ignore[arg-type]
    witness = Witness(sink)
    with pytest.raises(TypeError):
        await sink.run(HEADERS)
    assert witness.closes == 1


async def test_the_server_cancels_the_request(server: Server) -> None:
    witness = Witness(server.sink)
    await asyncio.sleep(0)
    server.run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await server.run
    assert witness.closes == 1
    server.run = asyncio.ensure_future(asyncio.sleep(0))


# ---- In a real server --------------------------------------------------------------------------


@asynccontextmanager
async def served(hub: Hub) -> AsyncIterator[httpx.AsyncClient]:
    """An ASGI application that does nothing but stream, on a port of its own."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope["headers"])
        encoding: EncodingName = "gzip" if headers.get(b"accept-encoding") == b"gzip" else "identity"
        last_event_id = headers.get(b"last-event-id", b"").decode()
        sink = AsgiSink(receive, send)
        request = StreamRequest(tenant="t1", audiences=("public",), last_event_id=last_event_id, encoding=encoding)
        await hub.subscribe(request, sink)
        await sink.run([*HEADERS, (b"content-encoding", encoding.encode())])

    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=2))
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        await serving
        listener.close()


def announce(store: MemoryEventStore, hub: Hub, number: int) -> None:
    hub.append("t1", "e1", [store.append("t1", "counted", 0, {"public": b"%d" % number})])


@pytest.fixture
async def store() -> MemoryEventStore:
    store = MemoryEventStore()
    store.create("t1")
    return store


async def test_streaming(store: MemoryEventStore) -> None:
    async with Hub(store) as hub, served(hub) as client:
        store.append("t1", "counted", 0, {"public": b"0"})
        headers = {"last-event-id": "e1.0", "accept-encoding": "identity"}
        async with client.stream("GET", "/", headers=headers) as response:
            assert response.headers["content-type"] == "text/event-stream"
            text = ""
            async for chunk in response.aiter_text():
                text += chunk
                seen = len(list(parse(text)))  # a chunk may hold several frames, never a part of one
                if seen == 12:
                    await hub.close("done")
                elif 2 <= seen < 12:
                    announce(store, hub, seen - 1)
        assert [frame.data for frame in parse(text) if frame.type == "counted"] == list(range(11))
        assert [frame.type for frame in parse(text)][-1] == "goodbye"
        assert hub.stats().connections == {}


async def test_gzip_is_readable_at_every_payload(store: MemoryEventStore) -> None:
    async with Hub(store) as hub, served(hub) as client:
        async with client.stream("GET", "/", headers={"accept-encoding": "gzip"}) as response:
            assert response.headers["content-encoding"] == "gzip"
            reader = zlib.decompressobj(wbits=31)
            text = ""
            async for chunk in response.aiter_raw():
                text += reader.decompress(chunk).decode()
                seen = len(list(parse(text)))
                if seen == 10:
                    break
                announce(store, hub, seen)
        assert [frame.data for frame in parse(text)][1:] == list(range(1, 10))


async def test_a_client_that_leaves_is_noticed(store: MemoryEventStore) -> None:
    async with Hub(store) as hub, served(hub) as client:
        async with client.stream("GET", "/") as response:
            await anext(response.aiter_raw())
            assert hub.connections("t1") == 1
        async with asyncio.timeout(5):
            while hub.connections("t1"):  # noqa: ASYNC110 - the server notices when it notices
                await asyncio.sleep(0.001)
        assert hub.stats().closes == {"client-gone": 1}


async def test_closing_the_hub_ends_the_responses(store: MemoryEventStore) -> None:
    async with (
        Hub(store) as hub,
        served(hub) as client,
        client.stream("GET", "/", headers={"accept-encoding": "identity"}) as response,
    ):
        body = response.aiter_text()
        text = await anext(body)
        await hub.close("deploy")
        text += "".join([chunk async for chunk in body])
        assert [frame.type for frame in parse(text)] == ["connected", "goodbye"]
