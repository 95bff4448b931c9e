"""HTTP/1.1 as bytes: a connection of its own for each request, and nothing forgiven that a rule may ask for."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pulsestage.cli.conformance.rules import Broken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PIECE_BYTES = 65_536
MOST_BYTES = 64 * 1024 * 1024
"""More than any answer has that is worth reading: a server that sends for ever must not fill our memory."""
_STATUS_LINE = re.compile(rb"HTTP/(1\.[01]) (\d{3})(?: ([^\r\n]*))?")


@dataclass(frozen=True, slots=True)
class Target:
    """The server's address. `prefix` is the path below which it lives, without a slash at its end."""

    tls: bool
    host: str
    port: int
    prefix: str

    @classmethod
    def parse(cls, url: str) -> Target:
        """Raises ValueError for what is no address of a server."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(url)
        tls = parts.scheme == "https"
        return cls(tls, parts.hostname, parts.port or (443 if tls else 80), parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        """The value of the header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """As people write it."""
        return f"http{'s' if self.tls else ''}://{self.authority}{self.prefix}"


@dataclass(frozen=True, slots=True)
class Head:
    """A status line and its headers, names in small letters, in the order they came."""

    version: str
    status: int
    headers: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """The values of a header, one for each time that it came."""
        return [value for each, value in self.headers if each == name]

    def get(self, name: str) -> str:
        """The values of a header, joined as HTTP allows; empty if there is none."""
        return ", ".join(self.all(name))

    def __str__(self) -> str:
        place = f" to {self.get('location')}" if self.get("location") else ""
        return f"status {self.status}{place}, Content-Type {self.get('content-type') or 'missing'}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    head: Head
    body: bytes

    @property
    def position(self) -> str:
        """The header X-Stream-Position."""
        return self.head.get("x-stream-position")

    def json(self) -> Any:  # noqa: ANN401 - whatever the server sent
        """The body as JSON. Raises Broken."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Broken("JSON", self.body) from None

    def must_be(self, status: int) -> Answer:
        """This answer, if it has this status. Raises Broken."""
        if self.head.status != status:
            raise Broken(f"status {status}", f"{self.head}, {self.body[:80]!r}")
        return self


class Connection:
    """One connection for one request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, target: Target) -> Connection:
        """Raises OSError."""
        context = _trusting() if target.tls else None
        return cls(*await asyncio.open_connection(target.host, target.port, ssl=context, limit=PIECE_BYTES))

    def send(self, data: bytes) -> None:
        """Send this, sooner or later."""
        self._writer.write(data)

    def end(self) -> None:
        """Say that nothing more will be sent, and go on reading."""
        self._writer.write_eof()

    def close(self) -> None:
        """Break it off."""
        self._writer.transport.abort()

    async def head(self) -> Head:
        """The answer's head. Raises Broken, EOFError, OSError."""
        try:
            raw = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise Broken("the head of an HTTP answer", await self._reader.read(80)) from None
        except asyncio.IncompleteReadError as error:
            raise Broken("the head of an HTTP answer", error.partial or "the end of the connection") from None
        line, *lines = raw[:-4].split(b"\r\n")
        status = _STATUS_LINE.fullmatch(line)
        if status is None:
            raise Broken("a status line", line)
        headers = (each.decode("latin-1").partition(":") for each in lines)
        pairs = tuple((name.lower(), value.strip(" \t")) for name, _, value in headers)
        return Head(status[1].decode(), int(status[2]), pairs)

    async def rest(self) -> bytes:
        """Whatever comes until the server closes the connection, or the first of it."""
        return await self._reader.read(PIECE_BYTES)

    async def pieces(self, head: Head) -> AsyncIterator[bytes]:
        """The body as it comes, without its chunks. Raises Broken, EOFError, OSError."""
        if head.get("transfer-encoding").lower() == "chunked":
            while size := await self._chunk_size():
                async for piece in self._exactly(size):
                    yield piece
                if await self._reader.readexactly(2) != b"\r\n":
                    raise Broken("a line's end after a chunk", "something else")
        elif head.get("content-length").isdecimal():
            async for piece in self._exactly(int(head.get("content-length"))):
                yield piece
        else:
            while piece := await self._reader.read(PIECE_BYTES):
                yield piece

    async def body(self, head: Head) -> bytes:
        """The whole body. Raises Broken, EOFError, OSError."""
        got = bytearray()
        if head.status not in {204, 304}:
            async for piece in self.pieces(head):
                got += piece
                if len(got) > MOST_BYTES:
                    raise Broken("an answer that ends", f"more than {MOST_BYTES} bytes")
        return bytes(got)

    async def _chunk_size(self) -> int:
        line = await self._reader.readuntil(b"\r\n")
        try:
            return int(line.partition(b";")[0], 16)
        except ValueError:
            raise Broken("the size of a chunk", line) from None

    async def _exactly(self, size: int) -> AsyncIterator[bytes]:
        while size > 0:
            piece = await self._reader.read(min(size, PIECE_BYTES))
            if not piece:
                raise Broken("a whole body", f"the end of the connection, {size} bytes too early")
            size -= len(piece)
            yield piece


async def ask(target: Target, head: bytes, body: bytes = b"") -> Answer:
    """Send a request and read its answer. Raises Broken, EOFError, OSError."""
    connection = await Connection.open(target)
    try:
        connection.send(head + body)
        answer = await connection.head()
        return Answer(answer, await connection.body(answer))
    finally:
        connection.close()


def request_head(
    target: Target, method: str, path: str, headers: dict[str, str] | None = None, version: str = "1.1"
) -> bytes:
    """A request's head. `path` is what stands after the server's address."""
    lines = [f"{method} {target.prefix}{path} HTTP/{version}", f"Host: {target.authority}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@cache
def _trusting() -> ssl.SSLContext:
    """Trusts whom this machine trusts. Made once: reading all certificates takes a while."""
    return ssl.create_default_context()
