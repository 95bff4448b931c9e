"""The content coding of ordinary answers: gzip for JSON, HTML and text.

Streams compress themselves and pass here untouched; scripts and styles were compressed when they were built
(`http/web.py`).
"""

from __future__ import annotations

import gzip
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders

from pulsestage.realtime import negotiate_encoding

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MIN_BYTES: Final = 1024
"""A smaller answer fits into one packet anyway."""
MAX_INLINE_BYTES: Final = 65_536
"""What the event loop compresses itself, in about a millisecond. A larger answer is given to a thread."""
LEVEL: Final = 4
"""Of zlib: a page of 100 questions becomes 5 % larger than at level 6, in half of the time."""
TYPES: Final = frozenset({b"application/json", b"application/problem+json", b"text/html", b"text/plain"})


class Compression:
    """ASGI middleware: gzip for answers that come in one piece. Every other answer passes as it is, at once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self._app(scope, receive, _Answer(scope, send).send if scope["type"] == "http" else send)


class _Answer:
    """One answer as it passes. Its head is held back while the body may change it."""

    __slots__ = ("_head", "_scope", "_send")

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._head: Message | None = None

    async def send(self, message: Message) -> None:
        """Pass a message."""
        if message["type"] == "http.response.start" and _is_worth_it(message):
            self._head = message
            return
        if (head := self._head) is not None:
            self._head = None
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                await self._compress(head, message)
            await self._send(head)
        await self._send(message)

    async def _compress(self, head: Message, message: Message) -> None:
        headers = MutableHeaders(scope=head)
        if "accept-encoding" not in headers.get("vary", "").lower():
            headers.add_vary_header("Accept-Encoding")
        asked = ",".join(Headers(scope=self._scope).getlist("accept-encoding"))
        if negotiate_encoding(asked) != "gzip":
            return
        compress = partial(gzip.compress, message["body"], LEVEL, mtime=0)
        small = len(message["body"]) <= MAX_INLINE_BYTES
        message["body"] = compress() if small else await anyio.to_thread.run_sync(compress)
        headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(message["body"]))


def _is_worth_it(head: Message) -> bool:
    """Whether this is the head of a text that is not small and not compressed yet."""
    fields = dict(head["headers"])
    if int(fields.get(b"content-length", 0)) < MIN_BYTES:  # first, because nearly every answer is small
        return False
    whole_and_plain = b"content-range" not in fields and b"content-encoding" not in fields
    return whole_and_plain and fields.get(b"content-type", b"").partition(b";")[0] in TYPES
