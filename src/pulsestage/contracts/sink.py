"""What every sink must do: `SinkContract`, and what it needs of whoever runs it."""

import asyncio
from typing import Protocol

import pytest

from pulsestage.realtime import Sink


class Connection(Protocol):
    """A sink with its reader at the other end."""

    @property
    def sink(self) -> Sink:
        """What is tested."""

    async def received(self, size: int) -> bytes:
        """Read until so many bytes of the body have come in all; return all so far. The reader reads only here."""

    async def received_to_end(self) -> bytes:
        """Read until the stream has ended, and return all of its body."""

    async def leave(self) -> None:
        """The reader goes away."""


class Witness:
    """Counts what a sink says."""

    def __init__(self, sink: Sink) -> None:
        self.drains = 0
        self.closes = 0
        self.drained = asyncio.Event()
        self.closed = asyncio.Event()
        sink.attach(self._on_drain, self._on_close)

    def _on_drain(self) -> None:
        assert not self.closes, "drained after it was closed"
        self.drains += 1
        self.drained.set()

    def _on_close(self) -> None:
        self.closes += 1
        self.closed.set()

    async def wait_closed(self) -> None:
        async with asyncio.timeout(10):
            await self.closed.wait()
        await asyncio.sleep(0)
        assert self.closes == 1

    async def write(self, sink: Sink, payload: bytes) -> None:
        """Write as the engine does: after a False, wait for the drain."""
        self.drained.clear()
        if not sink.write(payload):
            async with asyncio.timeout(10):
                await self.drained.wait()


async def fill(sink: Sink) -> None:
    """Write until the sink is full, and let it try to send."""
    for _ in range(10_000):
        if not sink.write(b"x" * 65536):
            break
    else:
        pytest.fail("the sink took 640 MB and never said that it is full")
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.anyio
class SinkContract:
    """Every sink passes these tests. Subclass it and provide the fixture `connection`: a sink and its reader.

        class TestPipeSink(SinkContract):
            @pytest.fixture
            async def connection(self) -> AsyncIterator[Connection]:
                async with a_pipe() as (sink, reader):
                    yield PipeConnection(sink, reader)

    The reader reads only when it is told to, so that what it has not read fills the sink. Where a response has a head,
    the reader leaves it out: the suite compares bodies.
    """

    @pytest.fixture
    def witness(self, connection: Connection) -> Witness:
        return Witness(connection.sink)

    async def test_payloads_arrive_whole_and_in_order(self, connection: Connection, witness: Witness) -> None:
        for number in range(20):
            await witness.write(connection.sink, b"%03d\n" % number)
        assert await connection.received(80) == b"".join(b"%03d\n" % number for number in range(20))

    async def test_nobody_is_told_from_inside_write(self, connection: Connection, witness: Witness) -> None:
        connection.sink.write(b"x")
        assert (witness.drains, witness.closes) == (0, 0)

    async def test_a_large_payload_arrives_whole(self, connection: Connection, witness: Witness) -> None:
        payload = bytes(range(256)) * 4096
        connection.sink.write(payload)
        assert await connection.received(len(payload)) == payload

    async def test_a_full_sink_drains(self, connection: Connection, witness: Witness) -> None:
        written = 0
        while connection.sink.write(b"x" * 65536):
            written += 1
            assert written < 1000, "a sink that is never full has no bound"
        await connection.received((written + 1) * 65536)
        async with asyncio.timeout(10):
            await witness.drained.wait()
        assert witness.drains == 1, "once for one False"

    async def test_close_sends_what_was_accepted_and_the_farewell(
        self, connection: Connection, witness: Witness
    ) -> None:
        connection.sink.write(b"last")
        connection.sink.close(b"bye")
        connection.sink.close(b"twice")
        assert await connection.received_to_end() == b"lastbye"
        assert not witness.drains, "it can't take more"
        await witness.wait_closed()

    async def test_closing_before_anything_was_written(self, connection: Connection, witness: Witness) -> None:
        connection.sink.close()
        assert await connection.received_to_end() == b""
        await witness.wait_closed()

    async def test_abort_ends_a_full_sink_although_nobody_reads(self, connection: Connection, witness: Witness) -> None:
        await fill(connection.sink)
        connection.sink.abort()
        await witness.wait_closed()
        assert not connection.sink.write(b"dropped")

    async def test_abort_ends_a_close_that_takes_too_long(self, connection: Connection, witness: Witness) -> None:
        await fill(connection.sink)
        connection.sink.close(b"bye")
        connection.sink.abort()
        await witness.wait_closed()

    async def test_the_reader_leaves(self, connection: Connection, witness: Witness) -> None:
        await witness.write(connection.sink, b"x")
        await connection.leave()
        await witness.wait_closed()
        assert not connection.sink.write(b"dropped")
        connection.sink.close(b"bye")
        connection.sink.abort()
        await asyncio.sleep(0)
        assert witness.closes == 1
