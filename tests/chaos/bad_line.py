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


class BadLine:
    """A proxy in front of a Redis server. `tally` counts what it does."""

    def __init__(self, target: int, random: Random, tally: Counter[str]) -> None:
        self.port = 0
        self._target = target
        self._random = random
        self._tally = tally
        self._weather = Weather()
        self._writers: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Pass things on while the block lasts."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            self.cut_all()

    @contextmanager
    def weather(self, weather: Weather) -> Iterator[None]:
        """As it is while the block lasts."""
        self._weather = weather
        try:
            yield
        finally:
            self._weather = Weather()

    def cut_all(self) -> None:
        """Cut every connection that there is."""
        for writer in [*self._writers]:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        self._writers.add(writer)
        try:
            answers, there = await asyncio.open_connection("127.0.0.1", self._target)
            ends.append(there)
            self._writers.add(there)
            passing = [
                asyncio.create_task(_pass(reader, there)),
                asyncio.create_task(self._pass_values(answers, writer)),
            ]
            await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
            for task in passing:
                task.cancel()
            await asyncio.gather(*passing, return_exceptions=True)
        except OSError:
            pass  # the server is not there: nor are we
        finally:
            for each in ends:
                self._writers.discard(each)
                each.transport.abort()

    async def _pass_values(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cutter = Cutter()
        while data := await reader.read(65_536):
            for value in cutter.feed(data):
                if is_message(value):
                    self._tally["relay messages"] += 1
                    self._deliver(value, writer)
                else:
                    writer.write(value)
            await writer.drain()

    def _deliver(self, message: bytes, writer: asyncio.StreamWriter) -> None:
        weather, random = self._weather, self._random
        loop = asyncio.get_running_loop()
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


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
