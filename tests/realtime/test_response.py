"""`respond`: over a socket where the server offers one, through ASGI everywhere else."""

import asyncio
import logging
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pulsestage.realtime import HAND_OFF, Hub, HubClosed, MemoryEventStore, StreamRequest, respond, response
from tests.http.streaming.chunks import Chunks
from tests.realtime.cable import Reader, connected
from tests.realtime.support import PUBLIC, parse, settle

GZIP = StreamRequest(tenant="t1", audiences=PUBLIC, encoding="gzip")
PLAIN = StreamRequest(tenant="t1", audiences=PUBLIC)
HEAD = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]


class Offer:
    """A server's hand-off that notes what it is asked."""

    def __init__(
        self,
        transport: asyncio.Transport | None = None,
        *,
        begins: bool = True,
        gone: bool = False,
        chunked: bool = False,
    ) -> None:
        self.asked: list[str] = []
        self.transport = transport
        self.begins = begins
        self.gone = gone
        self.chunked = chunked

    def begin(self) -> bool:
        self.asked.append("begin")
        return self.begins

    def take(self) -> asyncio.Transport | None:
        self.asked.append("take")
        if self.gone:
            raise ConnectionAbortedError
        return self.transport


class Exchange:
    """One request of an ASGI server."""

    def __init__(self, offer: Offer | None = None, method: str = "GET") -> None:
        self.scope: dict[str, Any] = {"type": "http", "method": method}
        self.offer = offer
        if offer is not None:
            self.scope["extensions"] = {HAND_OFF: offer}
        self.sent: list[Any] = []
        self.gone = asyncio.Event()
        self.body_began = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if "body" in message:
            self.body_began.set()
        if self.offer is not None:
            self.offer.asked.append("send")

    @property
    def body(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    async def respond(self, hub: Hub, request: StreamRequest = PLAIN, **named: Any) -> None:
        await respond(self.scope, self.receive, self.send, hub=hub, request=request, **named)


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    store = MemoryEventStore()
    store.create("t1", "e1")
    async with Hub(store) as hub:
        yield hub


@pytest.fixture(autouse=True)
def _as_at_the_start() -> None:
    response._note_fall_back.cache_clear()


async def test_over_a_socket_it_returns_at_once_and_the_stream_goes_on(hub: Hub) -> None:
    async with connected() as (transport, reader):
        exchange = Exchange(Offer(transport))
        await exchange.respond(hub, headers=[(b"x-own", b"1")])
        assert exchange.sent == [{"type": "http.response.start", "status": 200, "headers": [*HEAD, (b"x-own", b"1")]}]
        assert exchange.offer is not None
        assert exchange.offer.asked == ["begin", "send", "take"]
        assert hub.connections("t1") == 1
        await first_frame(reader)
        await hub.close("deploy")
        frames = parse((await reader.received_to_end()).decode())
        assert [frame.type for frame in frames] == ["connected", "goodbye"]


async def test_without_an_offer_it_returns_at_the_end(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        exchange = Exchange()
        running = asyncio.ensure_future(exchange.respond(hub))
        await exchange.body_began.wait()
        assert not running.done()
        exchange.gone.set()
        await running
        assert exchange.sent[0]["headers"] == HEAD
        assert [frame.type for frame in parse(exchange.body)] == ["connected"]
    told = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(told) == 1
    assert "does not hand over" in told[0]


async def test_extensions_of_other_servers_are_no_offer(hub: Hub) -> None:
    unknown: list[Any] = [None, {}, {"http.response.push": {}}]
    for extensions in unknown:
        exchange = Exchange()
        exchange.scope["extensions"] = extensions
        exchange.gone.set()
        await exchange.respond(hub)
        assert exchange.sent[0]["status"] == 200


async def test_an_offer_that_is_too_late_is_no_offer(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    exchange = Exchange(Offer(begins=False))
    running = asyncio.ensure_future(exchange.respond(hub))
    await exchange.body_began.wait()
    exchange.gone.set()
    await running
    assert exchange.offer is not None
    assert "take" not in exchange.offer.asked
    assert [frame.type for frame in parse(exchange.body)] == ["connected"]
    assert not caplog.records, "this server can, only this request could not"


async def test_a_client_that_is_gone_by_then_has_no_stream(hub: Hub) -> None:
    exchange = Exchange(Offer(gone=True))
    await exchange.respond(hub)
    assert len(exchange.sent) == 1
    assert hub.stats().joins == 0


@pytest.mark.parametrize("request_", [PLAIN, GZIP], ids=["identity", "gzip"])
async def test_in_chunks_where_the_server_says_so(hub: Hub, request_: StreamRequest) -> None:
    async with connected() as (transport, reader):
        await Exchange(Offer(transport, chunked=True)).respond(hub, request_)
        await settle()
        await hub.close("deploy")
        chunks = Chunks()
        body = chunks.feed(await reader.received_to_end())
    assert chunks.ended
    text = zlib.decompressobj(wbits=31).decompress(body) if request_ is GZIP else body
    assert [frame.type for frame in parse(text.decode())] == ["connected", "goodbye"]


@pytest.mark.parametrize("request_", [PLAIN, GZIP], ids=["identity", "gzip"])
async def test_a_client_that_stops_sending_is_probed_in_the_coding_of_its_stream(
    hub: Hub, request_: StreamRequest
) -> None:
    async with connected() as (transport, reader):
        await Exchange(Offer(transport, chunked=True)).respond(hub, request_)
        reader.writer.write_eof()
        chunks, text, size = Chunks(), b"", 0
        decode = zlib.decompressobj(wbits=31).decompress if request_ is GZIP else bytes
        while not text.endswith(response.COMMENT):
            size += 1
            text += decode(chunks.feed((await reader.received(size))[size - 1 : size]))
        assert text.count(b"data: ") == 1


async def test_a_goodbye_that_comes_before_the_first_frame_is_a_whole_body(hub: Hub) -> None:
    async with connected() as (transport, reader):
        await Exchange(Offer(transport, chunked=True)).respond(hub, GZIP)
        await hub.close("deploy")
        chunks = Chunks()
        body = chunks.feed(await reader.received_to_end())
    assert chunks.ended
    [goodbye] = parse(zlib.decompressobj(wbits=31).decompress(body).decode())
    assert goodbye.type == "goodbye"


async def test_while_a_middleware_holds_the_head_the_stream_goes_through_it(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    exchange = Exchange(Offer(None, chunked=True))
    running = asyncio.ensure_future(exchange.respond(hub))
    await exchange.body_began.wait()
    await hub.close("deploy")
    await running
    assert [message["type"] for message in exchange.sent].count("http.response.start") == 1
    assert exchange.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert [frame.type for frame in parse(exchange.body)] == ["connected", "goodbye"]
    assert not caplog.records


async def test_a_hub_that_closes_while_a_middleware_holds_the_head_ends_the_response(hub: Hub) -> None:
    class Slow(Exchange):
        async def send(self, message: Any) -> None:
            await super().send(message)
            await hub.close("shutdown")

    exchange = Slow(Offer(None))
    await exchange.respond(hub)
    assert exchange.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


@pytest.mark.parametrize("offered", [False, True])
async def test_head_is_answered_with_the_head_alone(hub: Hub, *, offered: bool) -> None:
    offer = Offer() if offered else None
    exchange = Exchange(offer, method="HEAD")
    await exchange.respond(hub, GZIP)
    assert exchange.sent == [
        {"type": "http.response.start", "status": 200, "headers": [*HEAD, (b"content-encoding", b"gzip")]},
        {"type": "http.response.body", "body": b"", "more_body": False},
    ]
    if offer is not None:
        assert offer.asked == ["send", "send"]
    assert hub.stats().joins == 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("offered", [False, True])
async def test_a_closed_hub_raises_before_anything_is_sent(hub: Hub, method: str, *, offered: bool) -> None:
    await hub.close("shutdown")
    exchange = Exchange(Offer() if offered else None, method)
    with pytest.raises(HubClosed):
        await exchange.respond(hub)
    assert not exchange.sent


async def test_a_hub_that_closes_after_the_head_ends_the_connection(hub: Hub) -> None:
    class Slow(Exchange):
        async def send(self, message: Any) -> None:
            await super().send(message)
            await hub.close("shutdown")

    async with connected() as (transport, reader):
        await Slow(Offer(transport, chunked=True)).respond(hub)
        assert await reader.received_to_end() == b"0\r\n\r\n"


async def test_whatever_goes_wrong_after_the_hand_off_leaves_no_connection_behind(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(hub, "subscribe", fail)
    async with connected() as (transport, _):
        with pytest.raises(MemoryError):
            await Exchange(Offer(transport)).respond(hub)
        assert transport.is_closing()


async def test_a_reader_that_leaves_is_forgotten(hub: Hub) -> None:
    async with connected() as (transport, reader):
        await Exchange(Offer(transport)).respond(hub)
        await first_frame(reader)
        await reader.leave()
        async with asyncio.timeout(5):
            while hub.total_connections:  # noqa: ASYNC110 - the hub learns it from the socket
                await asyncio.sleep(0)
        await settle()
        assert hub.stats().closes == {"client-gone": 1}


async def first_frame(reader: Reader) -> None:
    """Read until the stream has connected."""
    size = 1
    while not (await reader.received(size)).endswith(b"\n\n"):
        size += 1
