"""The outermost layer: request id, body limit, timing, the log of requests, and the answer of last resort.

It also settles what servers and proxies hand over in different forms: white space around a field's value (RFC 9110,
section 5.5), the path prefix, HEAD. It takes the cookies out of the head and reads our own. And it lets pages of other
origins read every answer, its own included.

Plain ASGI, because it is passed by every request, votes and streams included.
"""

from __future__ import annotations

import random
import re
import time
from typing import TYPE_CHECKING

import structlog
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from pulsestage.http.cookies import OWN_COOKIES, own_cookies
from pulsestage.http.errors import http_problem, internal_error
from pulsestage.http.parameters import UUID

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from pulsestage.http.metrics import HttpMetrics

log = structlog.get_logger("pulsestage.request")

_REQUEST_ID = re.compile(rb"[0-9A-Za-z._-]{1,64}")
_READS = {"GET", "HEAD", "OPTIONS"}
_HEAD = "pulsestage.head"
_EXCHANGE = "pulsestage.exchange"
_MAX_DIGITS = 18
_FREQUENT = {"/questions/{question_id}/upvote"}

SAFE_HEADERS = ["Content-Type", "X-Tenant-ID", "X-Request-ID", "Last-Event-ID", "Cache-Control"]
SHOWN_HEADERS = ["X-Stream-Position", "X-Request-ID", "Link", "Retry-After"]
EVERY_ANSWER = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin")]


class BodyTooLarge(HTTPException):
    """More bytes came than allowed. An HTTPException, because FastAPI takes any other for a broken body."""

    def __init__(self) -> None:
        super().__init__(413)


class Edge:
    """Wraps the application."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: HttpMetrics,
        max_body_bytes: int,
        prefix: PathPrefix,
        cors_origins: Collection[str],
    ) -> None:
        self._inner = app
        self._app: ASGIApp = self._answer
        self._metrics = metrics
        self._prefix = prefix
        self._max_body_bytes = max_body_bytes
        if cors_origins:
            self._app = CORSMiddleware(
                self._answer,
                allow_origins=cors_origins,
                allow_credentials=True,
                allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=SAFE_HEADERS,
                expose_headers=SHOWN_HEADERS,
                max_age=600,
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        headers = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
        # FastAPI would parse all cookies, for every route.
        others = [field for field in headers if field[0] != b"cookie"]
        scope = {**scope, "headers": others, OWN_COOKIES: own_cookies(headers)}
        if root := self._prefix.root:
            # Some proxies take the prefix away and some leave it; from here on it is always there.
            scope["root_path"], scope["path"] = root, root + self._prefix.taken_from(scope["path"])
        if scope["method"] == "HEAD":
            # Answered as GET is, less the body (RFC 9110, section 9.3.2), by every route.
            scope["method"], scope[_HEAD] = "GET", True
        exchange = scope[_EXCHANGE] = Exchange(scope, receive, send, self._max_body_bytes)
        started = time.perf_counter()
        try:
            await self._app(scope, exchange.receive, exchange.send)
        finally:
            self._note(scope, exchange, time.perf_counter() - started)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange = scope[_EXCHANGE]
        try:
            if exchange.announced_length > self._max_body_bytes:
                await http_problem(413).to_response()(scope, receive, send)
            else:
                await self._inner(scope, receive, send)
        except Exception:
            log.exception("request failed", request_id=exchange.id, method=scope["method"], path=scope["path"])
            if exchange.status == 0:
                await internal_error().to_response()(scope, receive, send)

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


class PathPrefix:
    """The path below which a proxy serves the application, whether the proxy leaves it in requests or takes it away.

    `addresses` are the application's own, as route templates. What begins with a prefix such as `/qa` has it from the
    proxy. Below one such as `/app` or `/questions`, which begins addresses too, the proxy has left it where such an
    address follows (`/app/questions`) or the whole is none (`/questions/`).
    """

    def __init__(self, root: str, addresses: Collection[str]) -> None:
        self.root = root
        self._names = {address.split("/")[1] for address in addresses} - {""}
        self._is_address = re.compile("|".join(map(_pattern, addresses))).fullmatch

    def taken_from(self, path: str) -> str:
        """The path as the application knows it."""
        if not f"{path}/".startswith(f"{self.root}/"):
            return path
        rest = path[len(self.root) :] or "/"
        was_left = rest.split("/")[1] in self._names or not self._is_address(path)
        return rest if was_left else path


def _pattern(address: str) -> str:
    """What matches the addresses of a template; its parameters are ids."""
    return re.sub(r"\\\{\w+(:path)?\\\}", lambda match: ".*" if match[1] else UUID[1:-1], re.escape(address))


class Exchange:
    """One request and its answer, as they pass."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, max_body_bytes: int) -> None:
        headers = {name: value for name, value in scope["headers"] if name in {b"x-request-id", b"content-length"}}
        given = headers.get(b"x-request-id", b"")
        length = headers.get(b"content-length", b"")
        # An id to find log lines by, not a secret.
        self.id = given.decode() if _REQUEST_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"
        # One of more digits has zeros in front, or no server has let it pass; the bytes are counted as they come.
        self.announced_length = int(length) if length.isdigit() and len(length) <= _MAX_DIGITS else 0
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
            if self._left < 0 and self.status:  # an answer that has begun can't say so; it may as well end
                return {"type": "http.disconnect"}
            if self._left < 0:
                raise BodyTooLarge
        return message

    async def send(self, message: Message) -> None:
        """Pass what goes, and note its status."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], (b"x-request-id", self.id.encode()), *EVERY_ANSWER]
        elif self._is_head:
            message["body"] = b""
        await self._send(message)


def has_begun(scope: Scope) -> bool:
    """Whether the answer's head has been sent."""
    exchange: Exchange = scope[_EXCHANGE]
    return exchange.status != 0


def is_head(scope: Scope) -> bool:
    """Whether only the head of the answer is asked for."""
    return _HEAD in scope
