"""A load balancer for the chaos run: each connection goes to one of the instances that take connections."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from random import Random

MOST_WAITING = 65_536
"""Bytes that it holds for somebody who doesn't read."""


class End(asyncio.Protocol):
    """One end of a connection that passes through. What comes here goes out there."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.there: End | None = None
        self._early = b""
        self._ended = False
        self._full = False
        self._held = False

    def join(self, there: End) -> None:
        """From now on."""
        self.there, there.there = there, self
        for end, other in ((self, there), (there, self)):
            if end._early and other.transport is not None:
                other.transport.write(end._early)
            if end._ended:
                other.hang_up()

    def hang_up(self) -> None:
        """When what is on its way has left."""
        if self.transport is not None:
            self.transport.close()

    def cut(self) -> None:
        """Now, both ends."""
        for end in (self, self.there):
            if end is not None and end.transport is not None:
                end.transport.abort()

    def hold(self, *, held: bool) -> None:
        """Whether what comes here stays here for now."""
        self._held = held
        self._read_if_possible()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(MOST_WAITING)

    def data_received(self, data: bytes) -> None:
        if self.there is None or self.there.transport is None:
            self._early += data
        elif not self.there.transport.is_closing():
            self.there.transport.write(data)

    def pause_writing(self) -> None:
        self._full = True
        if self.there is not None:
            self.there._read_if_possible()

    def resume_writing(self) -> None:
        self._full = False
        if self.there is not None:
            self.there._read_if_possible()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        if self.there is not None:
            self.there.hang_up()

    def _read_if_possible(self) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        if self._held or (self.there is not None and self.there._full):
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()


class FrontEnd(End):
    """A client's end."""

    def __init__(self, balancer: Balancer) -> None:
        super().__init__()
        self._balancer = balancer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._balancer.welcome(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._balancer.fronts.discard(self)


class Balancer:
    """Listens on `port`, chooses among `ports`."""

    def __init__(self, ports: list[int], random: Random) -> None:
        self.port = 0
        self.fronts: set[FrontEnd] = set()
        self._ports = ports
        self._random = random
        self._tasks: set[asyncio.Task[None]] = set()
        self._passing = asyncio.Event()
        self._passing.set()

    @asynccontextmanager
    async def serving(self, port: int) -> AsyncIterator[None]:
        """Take connections while the block lasts."""
        self.port = port
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: FrontEnd(self), "127.0.0.1", port, backlog=1024)
        try:
            yield
        finally:
            server.close()
            self.cut_all()

    def cut_all(self) -> None:
        """Cut every connection that there is."""
        for front in [*self.fronts]:
            front.cut()

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Connections hold, new ones are taken, and nothing passes; in the end all of it does."""
        self._passing.clear()
        self._hold_all(held=True)
        try:
            yield
        finally:
            self._passing.set()
            self._hold_all(held=False)

    def _hold_all(self, *, held: bool) -> None:
        for front in self.fronts:
            for end in (front, front.there):
                if end is not None:
                    end.hold(held=held)

    def welcome(self, front: FrontEnd) -> None:
        """Find an instance for it."""
        self.fronts.add(front)
        task = asyncio.create_task(self._connect(front))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, front: FrontEnd) -> None:
        make: Callable[[], End] = End
        await self._passing.wait()
        for port in self._random.sample(self._ports, len(self._ports)):
            try:
                _, back = await asyncio.get_running_loop().create_connection(make, "127.0.0.1", port)
            except OSError:
                continue
            front.join(back)
            return
        front.cut()
