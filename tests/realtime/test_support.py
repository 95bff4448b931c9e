"""The doubles are held to the same contracts as what they stand for."""

import asyncio

import pytest

from pulsestage.contracts.sink import Connection, SinkContract
from tests.realtime.support import ManualClock, RecordingSink


class Recording:
    """A recording sink and its reader."""

    def __init__(self) -> None:
        self.sink = RecordingSink(room=30)

    async def received(self, size: int) -> bytes:
        self.sink.drain(room=30)
        body = b"".join(self.sink.payloads)
        assert len(body) >= size
        return body

    async def received_to_end(self) -> bytes:
        assert self.sink.closed
        return b"".join(self.sink.payloads)

    async def leave(self) -> None:
        self.sink.vanish()


class TestRecordingSink(SinkContract):
    @pytest.fixture
    async def connection(self) -> Connection:
        return Recording()


async def test_the_manual_clock_keeps_order_and_cancels() -> None:
    clock, calls = ManualClock(), list[str]()
    clock.call_later(2, lambda: calls.append("two"))

    def later() -> None:
        clock.call_later(0.5, lambda: calls.append("one and a half"))

    clock.call_later(1, later)
    clock.call_later(1, lambda: calls.append("cancelled")).cancel()
    await clock.advance(1.4)
    assert calls == []
    await clock.advance(0.6)
    assert calls == ["one and a half", "two"]
    assert clock.time() == 2
    await asyncio.sleep(0)
