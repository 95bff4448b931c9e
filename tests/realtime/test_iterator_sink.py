"""The sink that is iterated over: under its contract, and as a response's body."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pulsestage.contracts.sink import Connection, SinkContract, Witness
from pulsestage.realtime import Hub, HubClosed, IteratorSink, MemoryEventStore, SinkFull, StreamRequest, stream_body
from tests.realtime.support import PUBLIC, parse, settle

REQUEST = StreamRequest(tenant="t1", audiences=PUBLIC)


class Framework:
    """Sends what it iterates over; its client reads when it is told to."""

    def __init__(self) -> None:
        self.body = b""
        self.taken = 0.0
        self.changed = asyncio.Condition()
        self.sink = IteratorSink()
        self.run = asyncio.ensure_future(self._send())

    async def _send(self) -> None:
        async for payload in self.sink.payloads():
            async with self.changed:
                self.body += payload
                self.changed.notify_all()
                await self.changed.wait_for(lambda: len(self.body) <= self.taken + 10_000)

    async def received(self, size: int) -> bytes:
        async with asyncio.timeout(5), self.changed:
            while len(self.body) < size:
                self.taken = len(self.body)
                self.changed.notify_all()
                await self.changed.wait()
            self.taken = len(self.body)
            self.changed.notify_all()
        return self.body

    async def received_to_end(self) -> bytes:
        self.taken = float("inf")
        async with asyncio.timeout(5):
            await self.run
        return self.body

    async def leave(self) -> None:
        self.run.cancel()
        await asyncio.wait([self.run])


class TestIteratorSink(SinkContract):
    @pytest.fixture
    async def connection(self) -> AsyncIterator[Connection]:
        framework = Framework()
        await asyncio.sleep(0)
        yield framework
        await framework.leave()


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    store = MemoryEventStore()
    store.create("t1", "e1")
    async with Hub(store) as hub:
        yield hub


async def test_one_payload_is_held_and_none_is_queued() -> None:
    sink = IteratorSink()
    Witness(sink)
    assert not sink.write(b"1")
    with pytest.raises(SinkFull):
        sink.write(b"2")


async def test_a_payload_is_in_flight_until_the_next_is_asked_for() -> None:
    sink = IteratorSink()
    witness = Witness(sink)
    sink.write(b"1")
    payloads = sink.payloads()
    assert await anext(payloads) == b"1"
    with pytest.raises(SinkFull):
        sink.write(b"2")
    await payloads.aclose()
    assert witness.closes == 1
    for _ in range(2):
        assert not sink.write(b"to nobody")


async def test_closed_before_the_iteration() -> None:
    sink = IteratorSink()
    witness = Witness(sink)
    sink.write(b"accepted")
    sink.close(b"bye")
    assert [payload async for payload in sink.payloads()] == [b"accepted", b"bye"]
    assert witness.closes == 1


async def test_what_is_written_after_the_close_is_dropped_and_an_abort_drops_the_farewell_too() -> None:
    sink = IteratorSink()
    Witness(sink)
    sink.close(b"bye")
    assert not sink.write(b"late")
    assert [payload async for payload in sink.payloads()] == [b"bye"]

    sink = IteratorSink()
    Witness(sink)
    sink.close(b"bye")
    sink.abort()
    assert [payload async for payload in sink.payloads()] == []


async def test_a_body_is_a_whole_stream(hub: Hub) -> None:
    body = stream_body(hub=hub, request=REQUEST)
    assert hub.total_connections == 0, "nobody reads it yet"
    text = (await anext(body)).decode()
    assert hub.total_connections == 1
    hub.begin_close("deploy")
    text += b"".join([payload async for payload in body]).decode()
    assert [frame.type for frame in parse(text)] == ["connected", "goodbye"]
    assert hub.stats().connections == {}


async def test_a_body_whose_task_is_cancelled_has_no_stream(hub: Hub) -> None:
    async def read() -> None:
        async for _ in stream_body(hub=hub, request=REQUEST):
            pass

    reading = asyncio.ensure_future(read())
    await settle()
    assert hub.total_connections == 1
    reading.cancel()
    await asyncio.wait([reading])
    await settle()
    assert hub.stats().closes == {"client-gone": 1}


async def test_a_closed_hub_raises_before_the_head_and_ends_the_body_after_it(hub: Hub) -> None:
    body = stream_body(hub=hub, request=REQUEST)
    await hub.close("shutdown")
    assert [payload async for payload in body] == []
    with pytest.raises(HubClosed):
        stream_body(hub=hub, request=REQUEST)


async def test_after_the_end_whatever_is_written_is_dropped() -> None:
    for end in (IteratorSink.abort, IteratorSink.close):
        sink = IteratorSink()
        end(sink)
        for _ in range(2):
            assert sink.write(b"for nobody") is False
        assert sink._payload is None
