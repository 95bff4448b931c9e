"""A light HTTP/1.1 client for load: keep-alive connections that each send one request after another.

It knows just enough of HTTP to count answers by status: whole heads and Content-Length bodies.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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


def request(method: str, path: str, headers: dict[str, str] | None = None) -> bytes:
    """A request without a body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Length: 0"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode()
