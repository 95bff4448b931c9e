"""Stands between a relay and its broker, on a port of its own: cuts the line, falls silent, speaks TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

Connect: TypeAlias = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Proxy:
    """Passes bytes on, in both directions. It keeps its port through an outage."""

    def __init__(self, connect: Connect, tls: ssl.SSLContext | None) -> None:
        self.port = 0
        self.accepted = 0
        self._connect = connect
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._passing = asyncio.Event()
        self._passing.set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Cut all connections and refuse new ones."""
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        self.stop()
        try:
            yield
        finally:
            await self.start()

    @asynccontextmanager
    async def silence(self) -> AsyncIterator[None]:
        """Connections hold, new ones are taken, and nothing passes."""
        self._passing.clear()
        try:
            yield
        finally:
            self._passing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        ends = [writer]
        self._open.add(writer)
        try:
            there, back = await self._connect()
            ends.append(back)
            self._open.add(back)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pass(reader, back))
                tasks.create_task(self._pass(there, writer))
        except* OSError:
            pass
        finally:
            for each in ends:
                self._open.discard(each)
                each.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._passing.wait()
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError


@asynccontextmanager
async def proxied(connect: Connect, tls: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    proxy = Proxy(connect, tls)
    await proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
