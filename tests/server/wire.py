"""A client that sends what bytes it likes, when it likes, and shows the bytes that come back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.http.streaming.server import Server

PATIENCE_SECONDS = 10
"""Nothing is measured with it; it only makes what hangs fail where it hangs."""


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)

    async def until(self, end: bytes) -> bytes:
        """What comes, up to these bytes."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._reader.readuntil(end)

    async def exactly(self, number: int) -> bytes:
        """So many bytes."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._reader.readexactly(number)

    async def some(self) -> bytes:
        """The next bytes."""
        return await self._reader.read(65536)

    async def rest(self) -> bytes:
        """What comes until the server closes the connection."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                return await self._reader.read()
            except ConnectionError:
                return b"reset"

    async def head(self) -> list[str]:
        """The lines of a response's head."""
        return (await self.until(b"\r\n\r\n")).decode().split("\r\n")[:-2]

    async def frame(self) -> str:
        """The next one that is no heartbeat."""
        while b'"type":"heartbeat"' in (frame := await self.until(b"\n\n")):
            pass
        return frame.decode()


@asynccontextmanager
async def wire(server: Server) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
