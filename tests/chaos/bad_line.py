"""The line between the instances and the relay's broker, on which messages are lost, late, and out of order."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.chaos.resp import Cutter, is_message

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import AsyncIterator, Iterator
    from random import Random


@dataclass(frozen=True)
class Weather:
    """What happens to messages. Answers always pass, in order."""

    dropped: float = 0.0
    """Share that never arrives."""
    late: float = 0.0
    """Seconds by which all are late, in their order."""
    shuffled: float = 0.0
    """Most seconds by which each one is late for itself."""
    repeated: float = 0.0
    """Share that arrives a second time, later."""


class Link:
    """One connection that passes through."""

    def __init__(self, ends: list[asyncio.StreamWriter]) -> None:
        self.listens = False
        """Whether a message has ever come for it."""
        self.hears = asyncio.Event()
        self.hears.set()
        self._ends = ends

    def cut(self) -> None:
        """Now, both ends."""
        for end in self._ends:
            end.transport.abort()


class BadLine:
    """A proxy in front of a Redis server. It keeps its port; `tally` counts what it does."""

    def __init__(self, target: int, random: Random, tally: Counter[str]) -> None:
        self.port = 0
        self._target = target
        self._random = random
        self._tally = tally
        self._weather = Weather()
        self._links: dict[Link, None] = {}
        self._passing = asyncio.Event()
        self._passing.set()
        self._server: asyncio.Server | None = None

    @asynccontextmanager
    async def serving(self, port: int) -> AsyncIterator[None]:
        """Pass things on while the block lasts."""
        self.port = port
        await self._open()
        try:
            yield
        finally:
            self._close()

    # ---- What goes wrong -----------------------------------------------------------------------

    @contextmanager
    def weather(self, weather: Weather) -> Iterator[None]:
        """As it is while the block lasts."""
        self._weather = weather
        try:
            yield
        finally:
            self._weather = Weather()

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Connections hold, new ones are taken, and nothing passes; in the end all of it does."""
        self._passing.clear()
        try:
            yield
        finally:
            self._passing.set()

    @contextmanager
    def half_open(self, which: int) -> Iterator[None]:
        """What one of those who listen says passes, and nothing comes back to it on this connection."""
        listening = [link for link in self._links if link.listens]
        chosen = listening[which % len(listening) :][:1] if listening else []
        for link in chosen:
            link.hears.clear()
        try:
            yield
        finally:
            for link in chosen:
                link.hears.set()

    @asynccontextmanager
    async def unreachable(self) -> AsyncIterator[None]:
        """Connections are cut, and new ones refused."""
        self._close()
        try:
            yield
        finally:
            await self._open()

    def cut_all(self) -> None:
        """Cut every connection that there is."""
        for link in [*self._links]:
            link.cut()

    # ---- How things pass -----------------------------------------------------------------------

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        link = Link(ends)
        self._links[link] = None
        try:
            answers, there = await asyncio.open_connection("127.0.0.1", self._target)
            ends.append(there)
            passing = [
                asyncio.create_task(self._pass(reader, there)),
                asyncio.create_task(self._pass_values(answers, writer, link)),
            ]
            await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
            for task in passing:
                task.cancel()
            await asyncio.gather(*passing, return_exceptions=True)
        except OSError:
            pass  # the server is not there: nor are we
        finally:
            del self._links[link]
            link.cut()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            await self._passing.wait()
            writer.write(data)
            await writer.drain()

    async def _pass_values(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link) -> None:
        cutter = Cutter()
        while data := await reader.read(65_536):
            await self._passing.wait()
            await link.hears.wait()
            for value in cutter.feed(data):
                if is_message(value):
                    link.listens = True
                    self._deliver(value, writer)
                else:
                    writer.write(value)
            await writer.drain()

    def _deliver(self, message: bytes, writer: asyncio.StreamWriter) -> None:
        weather, random = self._weather, self._random
        loop = asyncio.get_running_loop()
        self._tally["relay messages"] += 1
        if random.random() < weather.dropped:
            self._tally["relay messages dropped"] += 1
            return
        late = weather.late + random.uniform(0, weather.shuffled)
        if late:
            self._tally["relay messages delayed"] += 1
            loop.call_later(late, writer.write, message)
        else:
            writer.write(message)
        if random.random() < weather.repeated:
            self._tally["relay messages repeated"] += 1
            loop.call_later(late + random.uniform(0, 0.5), writer.write, message)
