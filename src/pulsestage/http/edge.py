"""The outermost layer: request id, body limit, timing, the log of requests, and the answer of last resort.

Plain ASGI, because it is passed by every request, votes and streams included.
"""

from __future__ import annotations

import random
import re
import time
from typing import TYPE_CHECKING

import structlog
from starlette.exceptions import HTTPException

from pulsestage.http.errors import http_problem, internal_error

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from pulsestage.http.metrics import HttpMetrics

log = structlog.get_logger("pulsestage.request")

_REQUEST_ID = re.compile(rb"[0-9A-Za-z._-]{1,64}")
_READS = {"GET", "HEAD", "OPTIONS"}
_HEAD = "pulsestage.head"
_FREQUENT = {"/questions/{question_id}/upvote"}

_EVERY_ANSWER = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin")]


class BodyTooLarge(HTTPException):
    """More bytes came than allowed. An HTTPException, because FastAPI takes any other for a broken body."""

    def __init__(self) -> None:
        super().__init__(413)


class Edge:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, metrics: HttpMetrics, max_body_bytes: int, root_path: str) -> None:
        self._app = app
        self._metrics = metrics
        self._root_path = root_path
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if root := self._root_path:
            # Some proxies take the prefix away and some leave it; from here on it is always there.
            path = scope["path"].removeprefix(root) if f"{scope['path']}/".startswith(f"{root}/") else scope["path"]
            scope = {**scope, "root_path": root, "path": f"{root}{path or '/'}"}
        if scope["method"] == "HEAD":
            # Answered as GET is, less the body (RFC 9110, section 9.3.2), by every route.
            scope = {**scope, "method": "GET", _HEAD: True}
        exchange = Exchange(scope, receive, send, self._max_body_bytes)
        started = time.perf_counter()
        try:
            if exchange.announced_length > self._max_body_bytes:
                await http_problem(413).to_response()(scope, receive, exchange.send)
            else:
                await self._app(scope, exchange.receive, exchange.send)
        except Exception:
            log.exception("request failed", request_id=exchange.id, method=scope["method"], path=scope["path"])
            if exchange.status == 0:
                await internal_error().to_response()(scope, receive, exchange.send)
        finally:
            self._note(scope, exchange, time.perf_counter() - started)

    def _note(self, scope: Scope, exchange: Exchange, seconds: float) -> None:
        route = scope.get("route")
        template = getattr(route, "path", None) or "other"
        self._metrics.observe(scope["method"], template, exchange.status, seconds)
        # What went well and is done by everybody all the time is counted above; a line for each would bury the rest.
        routine = exchange.status < 400 and (scope["method"] in _READS or template in _FREQUENT)  # noqa: PLR2004
        (log.debug if routine else log.info)(
            "request",
            request_id=exchange.id,
            method=scope["method"],
            path=scope["path"],
            status=exchange.status,
            milliseconds=round(seconds * 1000, 1),
            tenant=scope.get("pulsestage.tenant"),
        )


class Exchange:
    """One request and its answer, as they pass."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, max_body_bytes: int) -> None:
        headers = {name: value for name, value in scope["headers"] if name in {b"x-request-id", b"content-length"}}
        given = headers.get(b"x-request-id", b"")
        length = headers.get(b"content-length", b"")
        # An id to find log lines by, not a secret.
        self.id = given.decode() if _REQUEST_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"
        self.announced_length = int(length) if length.isdigit() else 0
        self.status = 0
        self._receive = receive
        self._send = send
        self._left = max_body_bytes
        self._is_head = is_head(scope)

    async def receive(self) -> Message:
        """Pass what comes, up to the limit: a body without a length can only be counted."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise BodyTooLarge
        return message

    async def send(self, message: Message) -> None:
        """Pass what goes, and note its status."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], (b"x-request-id", self.id.encode()), *_EVERY_ANSWER]
        elif self._is_head:
            message["body"] = b""
        await self._send(message)


def is_head(scope: Scope) -> bool:
    """Whether only the head of the answer is asked for."""
    return _HEAD in scope
