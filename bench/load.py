"""Light HTTP/1.1 clients for load: keep-alive connections that each send one request after another.

They know just enough of HTTP to count answers by status: whole heads and Content-Length bodies.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MOST_IDLE_SECONDS = 2.0


class Connection(asyncio.Protocol):
    """Sends the next request as soon as the last is answered, until there are none."""

    def __init__(self, requests: Iterator[bytes], on_answer: Callable[[int, bytes], None]) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._on_answer = on_answer
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport  # type: ignore[assignment] # TCP gives a Transport
        self._next()

    def data_received(self, data: bytes) -> None:
        """Take one answer, and go on."""
        self._received += data
        head, separator, rest = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        length = 0
        for line in head.split(b"\r\n"):
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        if len(rest) < length:
            return
        self._received = rest[length:]
        self._on_answer(int(head[9:12]), head)
        self._next()

    def connection_lost(self, _error: Exception | None) -> None:
        """End, whoever ended it."""
        if not self.done.done():
            self.done.set_result(None)

    def _next(self) -> None:
        request = next(self._requests, None)
        if self._transport is None:
            return
        if request is None:
            self._transport.close()
        else:
            self._transport.write(request)


async def send_all(port: int, requests: Iterator[bytes], connections: int) -> tuple[Counter[int], list[bytes]]:
    """Send every request over that many connections; the answers' statuses and heads."""
    statuses: Counter[int] = Counter()
    heads: list[bytes] = []

    def note(status: int, head: bytes) -> None:
        statuses[status] += 1
        heads.append(head)

    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: Connection(requests, note), "127.0.0.1", port) for _ in range(connections)
    ]
    await asyncio.gather(*(connection.done for _, connection in opened))
    return statuses, heads


class Caller:
    """A connection that is used by hand: send now, look at the answer later.

    An answer whose status doesn't begin with `family` ends it all.
    """

    def __init__(self, port: int, family: bytes = b"2") -> None:
        self._port = port
        self._family = family
        self._socket: socket.socket | None = None
        self._used_at = 0.0
        self._waiting = False

    def send(self, request: bytes) -> None:
        """Send, and don't wait."""
        self.answer()
        self._open().sendall(request)
        self._waiting = True

    def _open(self) -> socket.socket:
        """The connection, or a new one: servers close those that were idle, mostly after 5 seconds."""
        now = time.monotonic()
        if self._socket is None or now - self._used_at > MOST_IDLE_SECONDS:
            if self._socket is not None:
                self._socket.close()
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=30)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._used_at = now
        return self._socket

    def answer(self) -> bytes:
        """The head and body of the last request's answer, if it was not looked at yet."""
        received = b""
        while self._waiting and self._socket is not None:
            piece = self._socket.recv(65536)
            received += piece
            head, separator, body = received.partition(b"\r\n\r\n")
            lengths = [line[15:] for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:"]
            if separator and len(body) >= int(lengths[0] if lengths else 0):
                self._waiting, self._used_at = False, time.monotonic()
                if head[9:10] != self._family:
                    sys.exit(f"the server answered {received[:500]!r}")
            elif not piece:
                sys.exit(f"the server left in the middle of {received[:500]!r}")
        return received


class Callers:
    """Several connections that take turns."""

    def __init__(self, port: int, count: int) -> None:
        self._callers = [Caller(port) for _ in range(count)]

    def together(self, requests: Iterable[bytes]) -> None:
        """Send each on a connection of its own, then wait for all answers."""
        for caller, each in zip(self._callers, requests, strict=False):
            caller.send(each)
        self._finish()

    def at_rate(self, requests: Iterable[bytes], per_second: float) -> float:
        """Send each when its time has come, whether or not others were answered; how many seconds it took."""
        started = time.monotonic()
        for number, (caller, each) in enumerate(zip(itertools.cycle(self._callers), requests, strict=False)):
            time.sleep(max(0.0, started + number / per_second - time.monotonic()))
            caller.send(each)
        self._finish()
        return time.monotonic() - started

    def _finish(self) -> None:
        for caller in self._callers:
            caller.answer()


def request(method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """A request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
