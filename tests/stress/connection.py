"""One stream as a socket sees it: bytes in, frames out, read as greedily or as badly as one likes.

On the bare socket, because that alone decides how much the kernel holds and how a connection ends.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from typing import TYPE_CHECKING

from tests.http.streaming.chunks import Chunks

if TYPE_CHECKING:
    from collections.abc import Callable

GREEDY = 65_536
SMALL_BUFFER = 8_192
"""What a client with a bad line has room for."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: close with RST instead of FIN."""
CONNECT_SECONDS = 10.0


class Refused(Exception):
    """The server answered, but not with a stream."""


class Connection:
    """An open stream. `on_frames` gets the frames that came together, `on_end` nothing."""

    def __init__(self, sock: socket.socket, on_frames: Callable[[list[bytes]], None]) -> None:
        self.ended = asyncio.Event()
        self.rest = b""
        """What has come of the next frame."""
        self.chunks = Chunks()
        self.status = 0
        self._sock = sock
        self._on_frames = on_frames
        self._loop = asyncio.get_running_loop()
        self._head = b""
        self._answered = asyncio.Event()
        self._inflate: zlib._Decompress | None = None
        self._bite = GREEDY
        self._timer: asyncio.TimerHandle | None = None
        self._reading = False
        self.read()

    # ---- How it is read ------------------------------------------------------------------------

    def read(self) -> None:
        """All that comes."""
        self._bite = GREEDY
        self._resume()

    def stop(self) -> None:
        """Nothing, until told otherwise."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._reading:
            self._loop.remove_reader(self._sock)
            self._reading = False

    def trickle(self, seconds: float) -> None:
        """One byte, and the next one so much later."""
        self._bite = 1
        self.stop()
        self._timer = self._loop.call_later(seconds, self._sip, seconds)

    def close(self, *, reset: bool = False) -> None:
        """End it: with a FIN, or without manners. What has come and was not read is lost."""
        if not self.ended.is_set():
            self.stop()
            if reset:
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self._sock.close()
            self._answered.set()
            self.ended.set()

    # ---- What comes ----------------------------------------------------------------------------

    async def answered(self) -> None:
        """Wait for the head. Raises Refused."""
        async with asyncio.timeout(CONNECT_SECONDS):
            await self._answered.wait()
        if self.status != 200:
            raise Refused(self._head)

    def _resume(self) -> None:
        self.stop()
        if not self.ended.is_set():
            self._loop.add_reader(self._sock, self._readable)
            self._reading = True

    def _sip(self, seconds: float) -> None:
        self._readable()
        if not self.ended.is_set():
            self._timer = self._loop.call_later(seconds, self._sip, seconds)

    def _readable(self) -> None:
        try:
            data = self._sock.recv(self._bite)
        except BlockingIOError:
            return
        except OSError:  # reset, or nobody acknowledges
            data = b""
        if not data:
            self.close()
        elif self._answered.is_set():
            self._take(data)
        else:
            self._take_head(data)

    def _take_head(self, data: bytes) -> None:
        self._head += data
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if end:
            lines = head.lower().split(b"\r\n")
            self.status = int(lines[0].split()[1])
            assert self.status != 200 or b"connection: close" in lines, "the socket was not handed over"
            if b"content-encoding: gzip" in lines:
                self._inflate = zlib.decompressobj(wbits=31)
            self._answered.set()
            if rest:
                self._take(rest)

    def _take(self, data: bytes) -> None:
        data = self.chunks.feed(data)
        text = self.rest + (self._inflate.decompress(data) if self._inflate else data)
        *frames, self.rest = text.split(b"\n\n")
        if frames:
            self._on_frames(frames)


async def connect(port: int, request: bytes, on_frames: Callable[[list[bytes]], None], *, small: bool) -> Connection:
    """Ask for a stream. Raises OSError if nobody is there, Refused, and TimeoutError if no answer comes."""
    sock = socket.socket()
    try:
        sock.settimeout(0)
        if small:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, ("127.0.0.1", port))
        await loop.sock_sendall(sock, request)
    except BaseException:
        sock.close()
        raise
    connection = Connection(sock, on_frames)
    try:
        await connection.answered()
    except BaseException:
        connection.close()  # or what comes late would be taken for the next connection's
        raise
    return connection


def asking(query: str, *, cookie: str = "", gzip: bool = False, last_event_id: str = "") -> bytes:
    """The request for a stream."""
    lines = [f"GET /sse?{query} HTTP/1.1", "Host: venue", f"Accept-Encoding: {'gzip' if gzip else 'identity'}"]
    lines += [f"Cookie: {cookie}"] if cookie else []
    lines += [f"Last-Event-ID: {last_event_id}"] if last_event_id else []
    return "\r\n".join([*lines, "", ""]).encode()
