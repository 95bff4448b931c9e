"""The network between a client and a server, which can be cut."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Cable:
    """Passes every connection on to a port of this machine. `cut` breaks those that are open; new ones are fine."""

    def __init__(self, port: int) -> None:
        self.url = ""
        self._port = port
        self._open: set[asyncio.StreamWriter] = set()

    def cut(self) -> int:
        """Break all connections at once, without a farewell; how many there were."""
        cut = len(self._open)
        for writer in self._open:
            writer.transport.abort()
        return cut

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with suppress(OSError):
                from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
                up = asyncio.create_task(_copy(reader, to_server))
                await _copy(from_server, writer)
                await up
        finally:
            self._open.discard(writer)
            writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    # Either side's end ends the other.
    writer.close()


@asynccontextmanager
async def laid_to(port: int) -> AsyncIterator[Cable]:
    """A cable to this port."""
    cable = Cable(port)
    server = await asyncio.start_server(cable._serve, "127.0.0.1", 0)
    cable.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield cable
        cable.cut()
