"""The socket sink: under its contract on both event loops, plain and TLS; and what it does with its descriptor."""

import asyncio
import os
import socket
import sys
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

import pytest

from pulsestage.contracts.sink import Connection, SinkContract, Witness, fill
from pulsestage.realtime import SocketSink, response, socket_sink
from pulsestage.realtime.encoding import ENCODINGS, Coding
from pulsestage.realtime.socket_sink import MAX_DISCARDED_BYTES
from tests.realtime.cable import Cable, cable, linger


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops have transports of their own."""
    return "asyncio", {"use_uvloop": request.param == "uvloop"}


class TestPlain(SinkContract):
    @pytest.fixture
    async def connection(self) -> AsyncIterator[Connection]:
        async with cable() as connection:
            yield connection


class TestTls(SinkContract):
    @pytest.fixture
    async def connection(self) -> AsyncIterator[Connection]:
        async with cable(tls=True) as connection:
            yield connection


class TestWithoutDescriptors(SinkContract):
    """As on Windows."""

    @pytest.fixture
    async def connection(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connection]:
        monkeypatch.setattr(socket_sink, "_HAS_DESCRIPTORS", False)
        async with cable() as connection:
            yield connection
            assert connection.sink._socket == -1


# ---- Progress ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["plain", "tls", "without a count by the kernel"])
async def test_it_sees_whether_its_reader_takes_anything(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind not in {"plain", "tls"}:  # as for sockets in a file, and on other systems
        monkeypatch.setattr(socket_sink, "_acknowledged", lambda _: None)
    async with cable(tls=kind == "tls") as connection:
        await fill(connection.sink)
        connection.sink.write(b"x" * 1_000_000)
        for _ in range(2):
            await connection.comes_to_rest()
            at_rest = connection.sink.progress
            await connection.comes_to_rest()
            assert connection.sink.progress == at_rest
            await connection.takes_a_little()


async def test_where_nobody_counts_what_arrived_what_waits_in_the_kernel_tells() -> None:
    ours, theirs = socket.socketpair()
    transport, _ = await asyncio.get_running_loop().create_unix_connection(asyncio.Protocol, sock=ours)
    sink = SocketSink(transport)
    with theirs:
        assert sink.write(b"x" * 5000)
        before = sink.progress
        theirs.recv(5000)
        assert sink.progress > before
        sink.abort()
        await asyncio.sleep(0.01)


async def test_progress_of_a_connection_that_has_ended_is_no_error() -> None:
    async with cable() as connection:
        connection.sink.abort()
        await asyncio.sleep(0.01)
        assert isinstance(connection.sink.progress, int)


# ---- Order, and how much waits -----------------------------------------------------------------


@pytest.mark.parametrize("tls", [False, True])
async def test_what_the_kernel_does_not_take_follows_in_order(*, tls: bool) -> None:
    random = Random(7)
    payloads = [random.randbytes(random.choice([10, 1000, 100_000])) for _ in range(100)]
    async with cable(tls=tls, head=b"head") as connection:
        witness = Witness(connection.sink)
        reading = asyncio.ensure_future(connection.received(4 + sum(map(len, payloads))))
        for payload in payloads:
            await witness.write(connection.sink, payload)
        assert await reading == b"head" + b"".join(payloads)
        assert witness.drains > 10


async def test_a_payload_overtakes_no_head_that_waits_in_the_transport() -> None:
    head = b"h" * 1_000_000
    async with cable(head=head) as connection:
        assert connection.waiting
        witness = Witness(connection.sink)
        assert not connection.sink.write(b"first")
        assert await connection.received(len(head) + 5) == head + b"first"
        await witness.drained.wait()
        assert connection.sink.write(b"second")


@pytest.mark.parametrize("tls", [False, True])
async def test_one_payload_and_a_farewell_wait_at_most(*, tls: bool) -> None:
    payload, farewell = b"x" * 5000, b"y" * 1000
    lower_layer = 64 * 1024 + len(payload) if tls else 0
    async with cable(tls=tls) as connection:
        Witness(connection.sink)
        for _ in until_full(connection, payload):
            assert waiting(connection) <= 1.1 * lower_layer  # TLS adds a little to what it encrypts
        assert connection.waiting
        assert waiting(connection) <= 1.1 * lower_layer + len(payload)
        connection.sink.close(farewell)
        assert waiting(connection) <= 1.1 * lower_layer + len(payload) + len(farewell)


def waiting(connection: Cable) -> int:
    """Bytes in all layers of the transport."""
    transport: Any = connection.sink._transport
    lower = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None)
    return connection.waiting + (lower.get_write_buffer_size() if lower is not None else 0)


@pytest.mark.parametrize("tls", [False, True])
async def test_a_full_sink_that_is_closed_sends_all_to_who_reads_on(*, tls: bool) -> None:
    async with cable(tls=tls) as connection:
        witness = Witness(connection.sink)
        written = 1 + len(list(until_full(connection, b"x" * 1000)))
        connection.sink.close(b"bye")
        assert await connection.received_to_end() == b"x" * 1000 * written + b"bye"
        await witness.wait_closed()
        connection.sink.abort()


async def test_a_payload_is_one_system_call_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    async with cable() as connection:
        witness = Witness(connection.sink)
        await witness.write(connection.sink, b"first")
        transport = connection.sink._transport
        connection.sink._transport = None  # type: ignore[assignment] # nobody asks it
        for number in range(5):
            assert connection.sink.write(b"%d" % number)
        assert connection.sink.direct is not None
        for number in range(5, 10):
            assert connection.sink.direct(b"%d" % number) == 1
        connection.sink._transport = transport
        assert await connection.received(15) == b"first0123456789"


async def test_there_is_no_direct_way_past_what_waits_nor_through_tls() -> None:
    async with cable(tls=True) as connection:
        await Witness(connection.sink).write(connection.sink, b"first")
        assert connection.sink.direct is None
    async with cable() as connection:
        witness = Witness(connection.sink)
        assert connection.sink.direct is None, "nothing was written through the transport yet"
        await witness.write(connection.sink, b"first")
        assert connection.sink.direct is not None
        await fill(connection.sink)
        assert connection.sink.direct is None
        witness.drained.clear()
        reading = asyncio.ensure_future(connection.received(10**9))
        await witness.drained.wait()
        assert connection.sink.direct is not None
        reading.cancel()
        connection.sink.close()
        assert connection.sink.direct is None


async def test_who_has_no_room_for_a_probe_does_not_read_and_is_gone() -> None:
    async with cable(probe=b"probe" * 1_000_000) as connection:
        witness = Witness(connection.sink)
        await witness.write(connection.sink, b"first")
        connection.writer.write_eof()
        await witness.wait_closed()


# ---- The descriptor ----------------------------------------------------------------------------


class Watched(SocketSink):
    """Looks, when it ends, whether its descriptor is still the same socket."""

    def __init__(self, transport: asyncio.Transport, probe: bytes = b"") -> None:
        super().__init__(transport, probe)
        self.number = transport.get_extra_info("socket").fileno()
        self.inode = os.fstat(self.number).st_ino
        self.inode_at_end: int | None = None

    def connection_lost(self, _error: Exception | None) -> None:
        self.inode_at_end = os.fstat(self.number).st_ino
        super().connection_lost(_error)


async def meet_an_error(connection: Cable) -> None:
    """The write itself finds out: the reset has come, and the loop has had no turn to read it."""
    connection.reset()
    abort(connection)
    list(until_full(connection, b"x"))


def abort(connection: Cable) -> None:
    """End the reader's socket without a turn of the loop."""
    raw = socket.socket(fileno=os.dup(connection.writer.get_extra_info("socket").fileno()))
    linger(raw)
    raw.close()


async def close(connection: Cable) -> None:
    connection.sink.close(b"bye")


async def give_up(connection: Cable) -> None:
    connection.sink.abort()


async def reset(connection: Cable) -> None:
    connection.reset()


async def fill_and_reset(connection: Cable) -> None:
    await fill(connection.sink)
    connection.reset()


ENDS: list[Callable[[Cable], Awaitable[None]]] = [
    Cable.leave, reset, fill_and_reset, close, give_up, meet_an_error,
]  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="sockets are no files there")
@pytest.mark.parametrize("end", ENDS, ids=lambda end: str(end.__name__))
async def test_the_descriptor_is_the_sinks_until_it_is_told_of_the_end(end: Callable[[Cable], Awaitable[None]]) -> None:
    async with cable(Watched) as connection, two_sockets() as (ours, theirs):
        sink = connection.sink
        assert isinstance(sink, Watched)
        witness = Witness(sink)
        await witness.write(sink, b"x")
        await connection.received(1)
        await end(connection)
        await witness.wait_closed()
        assert sink.inode_at_end == sink.inode

        # The number becomes somebody else's, and what is written to the dead sink doesn't come there.
        await until(lambda: not is_socket(sink.number, sink.inode))
        os.dup2(ours.fileno(), sink.number)
        try:
            assert not sink.write(b"for nobody")
            assert sink.direct is None
            sink._send_probe()
            sink.close(b"for nobody")
            sink.abort()
            await asyncio.sleep(0)
            with pytest.raises(BlockingIOError):
                theirs.recv(100)
        finally:
            os.close(sink.number)


@asynccontextmanager
async def two_sockets() -> AsyncIterator[tuple[socket.socket, socket.socket]]:
    """Connected ones, whose descriptors are taken before others become free."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)  # noqa: FBT003 - its only argument
    with ours, theirs:
        yield ours, theirs


def is_socket(number: int, inode: int) -> bool:
    try:
        return os.fstat(number).st_ino == inode
    except OSError:
        return False


# ---- What the reader says ----------------------------------------------------------------------


@pytest.mark.parametrize("tls", [False, True])
async def test_what_comes_after_the_request_is_dropped(*, tls: bool) -> None:
    async with cable(tls=tls) as connection:
        witness = Witness(connection.sink)
        connection.writer.write(b"x" * 1000)
        await until(lambda: connection.sink._discarded == 1000)
        await witness.write(connection.sink, b"still here")
        assert await connection.received(10) == b"still here"
        connection.writer.write(b"x" * (MAX_DISCARDED_BYTES - 1000))
        await until(lambda: connection.sink._discarded == MAX_DISCARDED_BYTES)
        assert not witness.closes
        connection.writer.write(b"x")
        await witness.wait_closed()


async def test_a_reader_that_only_stops_sending_keeps_its_stream() -> None:
    async with cable(probe=b":\n\n") as connection:
        witness = Witness(connection.sink)
        await witness.write(connection.sink, b"1")
        connection.writer.write_eof()
        assert await connection.received(13) == b"1" + 4 * b":\n\n"  # all probes
        await witness.write(connection.sink, b"2")
        assert await connection.received(14) == b"1" + 4 * b":\n\n" + b"2"
        connection.sink.close(b"bye")
        assert (await connection.received_to_end()).endswith(b"2bye")
        await witness.wait_closed()


async def test_a_reader_that_is_gone_is_noticed_although_nobody_writes() -> None:
    async with cable(probe=b":\n\n") as connection:
        witness = Witness(connection.sink)
        await witness.write(connection.sink, b"1")
        await connection.received(1)
        await connection.leave()
        await witness.wait_closed()


@pytest.mark.parametrize("tls, probe", [(False, b""), (True, b":\n\n")])
async def test_without_a_probe_the_end_of_sending_is_the_end(*, tls: bool, probe: bytes) -> None:
    async with cable(tls=tls, probe=probe) as connection:
        witness = Witness(connection.sink)
        await witness.write(connection.sink, b"1")
        await connection.received(1)
        if tls:
            await connection.leave()
        else:
            connection.writer.write_eof()
        await witness.wait_closed()


@pytest.mark.parametrize("head", [b"head", b"h" * 1_000_000], ids=["sent", "waiting"])
async def test_no_probe_comes_before_the_first_payload(head: bytes) -> None:
    """A gzip stream must begin with its header."""
    async with cable(probe=b"probe", head=head) as connection:
        witness = Witness(connection.sink)
        await connection.received(len(head))
        connection.sink._send_probe()
        await witness.write(connection.sink, b"first")
        assert (await connection.received(len(head) + 5)).endswith(b"first")
        connection.sink._send_probe()
        assert (await connection.received(len(head) + 10)) == head + b"firstprobe"


async def test_a_probe_does_not_overtake_what_waits() -> None:
    async with cable(probe=b"probe") as connection:
        Witness(connection.sink)
        written = 1 + len(list(until_full(connection, b"x" * 1000)))
        # The reader makes room in the kernel, and the loop has had no turn to fill it.
        early = os.read(connection.writer.get_extra_info("socket").fileno(), 200_000)
        connection.sink._send_probe()
        rest = await connection.received(written * 1000 - len(early))
        assert early + rest == b"x" * 1000 * written


async def test_a_probe_that_has_no_room_is_left_out() -> None:
    async with cable(probe=b"probe") as connection:
        witness = Witness(connection.sink)
        await witness.write(connection.sink, b"first")
        filler = _fill_the_kernel(connection.sink._fd)
        connection.sink._send_probe()
        assert await connection.received(5 + filler) == b"first" + b"x" * filler
        await witness.write(connection.sink, b"last")
        assert (await connection.received(9 + filler)).endswith(b"xlast")


def _fill_the_kernel(descriptor: int) -> int:
    """Write behind the sink's back until the kernel takes no more; how many bytes it took."""
    written = 0
    for size in (65_536, 1):
        with suppress(BlockingIOError):
            for _ in range(100_000):
                written += os.write(descriptor, b"x" * size)
    return written


async def test_probes_are_comments_in_every_encoding() -> None:
    for name in ENCODINGS:
        coding = Coding(name)
        wire = coding.begin(b"data: 1\n\n") + coding.encode(response.COMMENT) + coding.encode(b"data: 2\n\n")
        text = zlib.decompressobj(wbits=31).decompress(wire) if name == "gzip" else wire
        assert text == b"data: 1\n\n:\n\ndata: 2\n\n"


def until_full(connection: Cable, payload: bytes) -> Iterator[None]:
    """Write until the sink says that it is full; one item for each write before that."""
    for _ in range(100_000):
        if not connection.sink.write(payload):
            return
        yield
    pytest.fail("the sink never fills")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
