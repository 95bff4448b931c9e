"""The network between a client and a server, which can be cut."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Cable:
    """Passes every connection on to a port of this machine. `cut` breaks those that are open; new ones are fine."""

    def __init__(self, port: int) -> None:
        self.url = ""
        self.carried = 0
        """Bytes that the server has sent over it."""
        self.cut_after: int | None = None
        """Close the first connection over which the server has sent so many bytes; then None again.

        It looks like the regular end of a connection: no reset says that something is missing.
        """
        self._port = port
        self._open: set[asyncio.StreamWriter] = set()

    def cut(self) -> int:
        """Reset all connections at once; how many there were."""
        cut = len(self._open)
        for writer in self._open:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()
        return cut

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with suppress(OSError):
                from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
                up = asyncio.create_task(_copy(_parts(reader), to_server))
                await _copy(self._down(from_server), writer)
                await up
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _down(self, from_server: asyncio.StreamReader) -> AsyncIterator[bytes]:
        """What the server sends, up to the cut."""
        sent = 0
        async for data in _parts(from_server):
            if self.cut_after is not None and sent + len(data) >= self.cut_after:
                yield data[: self.cut_after - sent]
                self.cut_after = None
                return
            sent += len(data)
            self.carried += len(data)
            yield data


async def _parts(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while data := await reader.read(65536):
        yield data


async def _copy(parts: AsyncIterator[bytes], writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        async for data in parts:
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
