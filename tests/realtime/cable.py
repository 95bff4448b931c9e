"""A socket sink with its reader at the other end of a TCP connection, plain or TLS."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, cast

import trustme

from pulsestage.realtime import SocketSink

PATIENCE_SECONDS = 10
"""Nothing is measured with it; it only makes what hangs fail where it hangs."""


@cache
def certificates() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server and its clients need to trust each other."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    return server, client


class Reader:
    """The client's end. It reads when it is told to, and a few kilobytes ahead."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._body = b""
        self.writer = writer

    async def received(self, size: int) -> bytes:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self._body) < size:
                piece = await self._reader.read(65536)
                assert piece, "ended too early"
                self._body += piece
        return self._body

    async def received_to_end(self) -> bytes:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while piece := await self._reader.read(65536):
                self._body += piece
        self.writer.close()  # whoever closes a TLS connection waits for the other side to agree
        return self._body

    async def leave(self) -> None:
        """Close: a FIN, as all has been read."""
        self.writer.close()

    def reset(self) -> None:
        """Close with an RST."""
        linger(self.writer.get_extra_info("socket"))
        self.writer.transport.abort()


class Cable(Reader):
    """Both ends: what `SinkContract` needs."""

    def __init__(self, sink: SocketSink, reader: Reader) -> None:
        super().__init__(reader._reader, reader.writer)
        self.sink = sink

    async def takes_a_little(self) -> None:
        """The reader reads on, a few kilobytes at a time, until the sink has noticed."""
        before = self.sink.progress
        while self.sink.progress <= before:
            await self.received(len(self._body) + 1)
            await asyncio.sleep(0)

    async def comes_to_rest(self) -> None:
        """What is between sink and reader is as full as it gets when nobody reads."""
        seen, times = self.sink.progress, 0
        while times < 20:
            await asyncio.sleep(0.01)
            seen, times = self.sink.progress, times + 1 if self.sink.progress == seen else 0

    @property
    def waiting(self) -> int:
        """Bytes in the transport."""
        return self.sink._transport.get_write_buffer_size()


def linger(sock: Any) -> None:
    """Have this socket send an RST when it is closed."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Server(asyncio.Protocol):
    """A server's protocol that keeps its transport, to hand it over."""

    def __init__(self, made: asyncio.Future[asyncio.Transport]) -> None:
        self._made = made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._made.set_result(cast("asyncio.Transport", transport))  # uvloop's are, without saying so


@asynccontextmanager
async def connected(*, tls: bool = False) -> AsyncIterator[tuple[asyncio.Transport, Reader]]:
    """A server's transport, and its client. The kernel holds little between them."""
    loop = asyncio.get_running_loop()
    for_server, for_client = certificates() if tls else (None, None)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
    made: asyncio.Future[asyncio.Transport] = loop.create_future()
    server = await loop.create_server(lambda: Server(made), sock=listener, ssl=for_server)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    client.setblocking(False)  # noqa: FBT003 - its only argument
    await loop.sock_connect(client, listener.getsockname())
    name = "localhost" if tls else None
    reader, writer = await asyncio.open_connection(sock=client, ssl=for_client, server_hostname=name, limit=4096)
    transport = await asyncio.wait_for(made, PATIENCE_SECONDS)
    try:
        yield transport, Reader(reader, writer)
    finally:
        if not transport.is_closing():
            transport.abort()
        writer.transport.abort()
        server.close()
        await asyncio.sleep(0.001)  # for transports that close in their next turn


@asynccontextmanager
async def cable(
    kind: type[SocketSink] = SocketSink, *, tls: bool = False, probe: bytes = b"", head: bytes = b""
) -> AsyncIterator[Cable]:
    """A connection whose server has sent this head and handed it over."""
    async with connected(tls=tls) as (transport, reader):
        transport.write(head)
        sink = kind(transport, probe)
        try:
            yield Cable(sink, reader)
        finally:
            sink.abort()
