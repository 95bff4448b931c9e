"""A client that sends what bytes it likes, when it likes, and shows the bytes that come back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.http.streaming.chunks import Chunks
from tests.http.streaming.server import Server

PATIENCE_SECONDS = 10
"""Nothing is measured with it; it only makes what hangs fail where it hangs."""


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._chunks: Chunks | None = None
        self._body = b""

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

    async def body(self) -> bytes:
        """The next bytes of the response's body."""
        data = await self.some()
        assert data, f"the end of the connection, after {self._body!r}"
        return data if self._chunks is None else self._chunks.feed(data)

    async def rest(self) -> bytes:
        """What comes until the server closes the connection."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                return await self._reader.read()
            except ConnectionError:
                return b"reset"

    async def head(self) -> list[str]:
        """The lines of a response's head."""
        lines = (await self.until(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        self._chunks = Chunks() if "transfer-encoding: chunked" in lines else None
        return lines

    async def frame(self) -> str:
        """The next one that is no heartbeat."""
        while b'"type":"heartbeat"' in (frame := await self._block()):
            pass
        return frame.decode()

    async def _block(self) -> bytes:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while b"\n\n" not in self._body:
                self._body += await self.body()
        block, end, self._body = self._body.partition(b"\n\n")
        return block + end


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
