"""How much of a request's head the server takes, and its own answer to what it doesn't take.

A head is whole before the application sees it, so its limits are kept here, and no time is spent on parsing what is
over them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from pulsestage.http.edge import EVERY_ANSWER
from pulsestage.http.errors import http_problem

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_TARGET_BYTES: Final = 20_480
"""Longest target, that is path and query. `q` may be a whole question: 18,000 bytes if it is Hindi, percent-encoded."""
MAX_FIELD_BYTES: Final = 8_192
"""Longest header field, but for cookies."""
MAX_FIELDS: Final = 100
MAX_HEAD_BYTES: Final = 32_768
"""Largest head in all, with its cookies, of which there is one for each room that a browser has seen."""


class HeadRefused(Exception):
    """A head is larger than the server takes."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class HeadSize:
    """Counts one head while it is parsed, and the trailers, which have what it has left of its limits."""

    __slots__ = ("_bytes", "_fields", "_target")

    def __init__(self) -> None:
        self._bytes = self._fields = self._target = 0

    def add_target(self, piece: bytes) -> None:
        """A piece of the target has come. Raises HeadRefused."""
        self._target += len(piece)
        self._bytes += len(piece)
        if self._target > MAX_TARGET_BYTES:
            raise HeadRefused(414)

    def add_field(self, name: bytes, value: bytes) -> None:
        """A field has come. Raises HeadRefused."""
        size = len(name) + len(value) + 4  # a colon, a space, the end of the line
        self._fields += 1
        self._bytes += size
        too_long = size > MAX_FIELD_BYTES and name.lower() != b"cookie"
        if too_long or self._fields > MAX_FIELDS or self._bytes > MAX_HEAD_BYTES:
            raise HeadRefused(431)


def refusal(status: int, default_headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The answer to a request that the application never sees. It is the connection's last."""
    problem = http_problem(status)
    body = msgspec.json.encode(problem)
    fields = [
        *default_headers,
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *EVERY_ANSWER,
        (b"connection", b"close"),
    ]
    lines = [b"HTTP/1.1 %d %b" % (status, problem.title.encode()), *(b"%b: %b" % field for field in fields), b"", b""]
    return b"\r\n".join(lines) + body
