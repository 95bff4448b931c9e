"""Whatever bytes arrive in whatever pieces: nothing breaks, nothing is left behind, and no other stream notices."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, given, settings

from pulsestage.realtime.socket_sink import MAX_DISCARDED_BYTES
from pulsestage.server.serving import make_server
from tests.http.conftest import Room, make_settings
from tests.stress.connection import RESET, asking, connect
from tests.stress.history import frame_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from pulsestage.realtime import Hub

EXAMPLES = 100
PATIENCE_SECONDS = 10

STREAM = b"GET /sse?tenantId=default&snapshot=1 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n"
HEADS = (
    STREAM,
    STREAM.replace(b"1.1", b"1.0"),
    STREAM.replace(b"GET", b"HEAD"),
    STREAM.replace(b"GET", b"POST"),
    STREAM.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
    STREAM.replace(b"\r\n\r\n", b"\r\nContent-Length: 10\r\n\r\n"),
    STREAM.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"),
    STREAM.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    STREAM.replace(
        b"\r\n\r\n", b"\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n"
    ),
    STREAM.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"),
    STREAM.replace(b"snapshot=1", b"lastEventId=0000.7"),
    b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n",
    b'POST /questions HTTP/1.1\r\nHost: a\r\nContent-Length: 15\r\n\r\n{"body":"Why?"}',
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
)


@dataclass(frozen=True)
class Visit:
    """What one client does: sends these pieces, reads a little or nothing, and is gone."""

    pieces: tuple[bytes, ...]
    pause: bool
    """Between pieces the server has time to do something about the last one."""
    babbles: bool
    """And then sends more than any stream's reader may."""
    reads: int
    ends: str


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good request in which something was cut, put in or replaced, a few times."""
    text = bytearray(draw(st.sampled_from(HEADS)))
    for _ in range(draw(st.integers(0, 3))):
        begin = draw(st.integers(0, len(text)))
        end = begin + draw(st.integers(0, 8))
        text[begin:end] = draw(
            st.one_of(st.binary(max_size=8), st.sampled_from((b"\r\n", b"\0", b":", b" ", b"\r\n\r\n")))
        )
    return bytes(text)


@st.composite
def visits(draw: st.DrawFn) -> Visit:
    parts = st.one_of(st.sampled_from(HEADS), st.sampled_from(HEADS[:2]), mutated(), st.binary(max_size=200))
    text = b"".join(draw(st.lists(parts, min_size=1, max_size=4)))
    cuts = sorted(draw(st.lists(st.integers(0, min(len(text), 600)), max_size=6)))
    pieces = tuple(text[a:b] for a, b in zip((0, *cuts), (*cuts, len(text)), strict=True))
    return Visit(
        pieces,
        draw(st.booleans()),
        draw(st.sampled_from((False, False, True))),
        draw(st.sampled_from((0, 1, 1000))),
        draw(st.sampled_from(("close", "reset", "half"))),
    )


class House:
    """A server with one stream that nobody touches."""

    def __init__(self, directory: Path) -> None:
        self._started = asyncio.Event()
        self._server = make_server(make_settings(directory), lambda _port: self._started.set())
        self._asked: list[str] = []
        self._told: list[str] = []
        self._news = asyncio.Event()

    async def open(self) -> None:
        """Serve, and let the witness follow."""
        self._running = asyncio.create_task(self._server.serve())
        await self._started.wait()
        self._port = self._server.servers[0].sockets[0].getsockname()[1]
        state = self._server._app.state
        self._room = Room(self._server._app, await state.context.directory.find("default"))
        self._hub: Hub = state.hub
        self._witness = await connect(self._port, asking("tenantId=default"), self._note, small=False)

    async def close(self) -> None:
        """The witness gets its goodbye like everybody."""
        self._server.should_exit = True
        await self._running
        await self._witness.ended.wait()
        assert self._told == self._asked

    async def receive(self, visit: Visit) -> None:
        """Let the visitor come and go, and look whether all is as before."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._let_in(visit)
            while self._server.server_state.connections or self._hub.total_connections > 1:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.002)
            self._asked.append(f"Is this the {len(self._asked)}. question?")
            await self._room.ask(self._asked[-1])
            while len(self._told) < len(self._asked):
                self._news.clear()
                await self._news.wait()
        assert self._told == self._asked
        assert not self._witness.ended.is_set()
        assert self._hub.total_connections == 1

    async def _let_in(self, visit: Visit) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        with suppress(OSError):
            for piece in visit.pieces:
                writer.write(piece)
                await writer.drain()
                if visit.pause:
                    await asyncio.sleep(0.001)
            if visit.babbles:
                writer.write(b"a" * (MAX_DISCARDED_BYTES + 1000))
                await writer.drain()
            if visit.ends == "half":
                writer.write_eof()
            if visit.reads:
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.02):
                        await reader.read(visit.reads)
        with suppress(OSError):
            if visit.ends == "reset":
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                writer.transport.abort()
            writer.close()
            await writer.wait_closed()

    def _note(self, frames: list[bytes]) -> None:
        told = [frame_of(frame).data["body"] for frame in frames if b"question:created" in frame]
        self._told += [body for body in told if body.startswith("Is this the ")]  # visitors may have asked too
        self._news.set()


def test_no_bytes_do_any_harm(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with asyncio.Runner() as runner:
        house = House(tmp_path)
        runner.run(house.open())

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            phases=[Phase.generate],  # what one visitor has broken stays broken: a smaller one would be no wiser
            suppress_health_check=[HealthCheck.too_slow],
        )
        @given(visits())
        def come_and_go(visit: Visit) -> None:
            runner.run(house.receive(visit))
            assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []

        come_and_go()
        runner.run(house.close())
