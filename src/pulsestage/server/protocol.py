"""uvicorn's HTTP protocol as PulseStage needs it: it gives streams their socket, and bounds what it takes in.

uvicorn lets its users choose the protocol (`http=`), and changes the protocol of a transport itself when a WebSocket
is opened. Giving a socket away is the same step. What it needs of uvicorn beyond overriding methods is listed in
`TOUCHED`, and held by `tests/server/test_protocol.py`; where a version of uvicorn lacks any of it, nothing is offered
and streams go through ASGI.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from pulsestage.realtime import HAND_OFF
from pulsestage.server.head import MAX_HEAD_BYTES, HeadRefused, HeadSize, refusal
from pulsestage.server.parser import PlainParser

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

log = logging.getLogger("pulsestage.server")

MAX_PIPELINED: Final = 100
"""Requests that may wait on one connection for the one before them. Each takes more memory than it has bytes."""
MAX_UNREAD_BYTES: Final = 1_048_576
REFUSED_SECONDS: Final = 2.0
"""How much, and for how long, a client that was refused may go on sending before it takes notice of the answer."""
REQUEST_SECONDS: Final = 30.0
"""How long a request may take to arrive, from its first byte or from the opening of the connection."""
CROWDED_KEEP_ALIVE_SECONDS: Final = 5
"""How long an idle connection is kept where there are many of them."""

TOUCHED: Final = {
    HttpToolsProtocol: (
        "_unset_keepalive_if_required",
        "connections",
        "cycle",
        "flow",
        "headers",
        "loop",
        "parser",
        "pipeline",
        "scope",
        "server_state",
        "timeout_keep_alive",
        "transport",
    ),
    FlowControl: ("resume_reading",),
    RequestResponseCycle: (
        "chunked_encoding",
        "disconnected",
        "keep_alive",
        "message_event",
        "more_body",
        "response_complete",
        "response_started",
        "scope",
    ),
}

_FULL = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def _room_for_all(_connections: int) -> bool:
    return True


def _never_crowded(_connections: int) -> bool:
    return False


class StreamingProtocol(HttpToolsProtocol):
    """Offers the socket of each request to whoever answers it, as the ASGI extension `pulsestage.hand_off`.

    `has_room` is asked, with the number of connections that have no stream, whether another one may stay; `is_crowded`
    whether they are so many that idle ones should leave soon.
    """

    def __init__(
        self,
        *arguments: Any,  # noqa: ANN401 - uvicorn's own
        has_room: Callable[[int], bool] = _room_for_all,
        is_crowded: Callable[[int], bool] = _never_crowded,
        **named: Any,  # noqa: ANN401 - likewise
    ) -> None:
        super().__init__(*arguments, **named)
        self._has_room = has_room
        self.parser: PlainParser = PlainParser(self)
        self._is_crowded = is_crowded
        self._head = HeadSize()
        self._head_bytes = 0
        self._refused = False
        self._unread_bytes = 0
        self._receiving = False
        self.half_closed = False
        self._silent_since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    # ---- What comes in -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Take the connection, if there is room; it has some time to say something."""
        super().connection_made(transport)
        self._silent_since = self.loop.time()
        if self._has_room(len(self.connections)):
            self._timer = self.loop.call_later(REQUEST_SECONDS, transport.close)
        else:
            transport.write(_FULL)
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Parse what came, but never too large a head.

        The parser joins what it has of a field with each piece that comes, so that one field of 100 MB would keep the
        event loop busy for half a minute; and every client could have the server hold as much as it cares to send. What
        is whole is counted as it is parsed (`HeadSize`). Of what is not whole yet a piece may be counted after it was
        parsed: it is at most 256 KB.
        """
        if self.transport.is_closing():
            return  # TLS still brings what came with the handshake, to a connection that was refused
        if self._refused:
            self._unread_bytes += len(data)
            if self._unread_bytes > MAX_UNREAD_BYTES:
                self.transport.close()
            return
        self._head_bytes += len(data)
        super().data_received(data)
        # Empty lines before a request are none of it, and still uvicorn stops its own timer for them.
        if self._timer is None and (self._receiving or not self._is_answering):
            self._timer = self.loop.call_later(REQUEST_SECONDS, self.transport.close)
        if self._head_bytes > MAX_HEAD_BYTES and not self._refused:
            self.refuse(431)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's sentence is for its log
        """Refuse what can't be parsed."""
        self.refuse(400)

    def refuse(self, status: int) -> None:
        """Answer a request that the application doesn't get, or not whole, and take no more of this connection.

        A good request before it still gets its answer; it is the last one.
        """
        self._refused, self._receiving = True, False
        has_its_cycle = self.cycle is not None and self.cycle.more_body  # type: ignore[redundant-expr] # see _is_answering
        if self._is_answering and (self.pipeline or not has_its_cycle):
            self.cycle.keep_alive = False
        elif has_its_cycle and self.cycle.response_started:
            self.transport.close()  # a second answer to one request would be taken for that to the next
        else:
            if has_its_cycle:
                self.cycle.response_complete = self.cycle.disconnected = True
                self.cycle.message_event.set()
            self.transport.write(refusal(status, self.server_state.default_headers))
            self._close_after_the_rest()

    def _close_after_the_rest(self) -> None:
        """Read on for a moment: to close while there is more to read resets the connection, and loses the answer."""
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._stop_timer()
        self._timer = self.loop.call_later(REFUSED_SECONDS, self.transport.close)

    def on_message_begin(self) -> None:
        """A request begins."""
        if len(self.pipeline) >= MAX_PIPELINED:
            raise HeadRefused(429)
        self._receiving = True
        self._head = HeadSize()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._head.add_target(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A whole field."""
        self._head.add_field(name, value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is over: offer the socket."""
        self._head_bytes = 0
        if self.parser.asks_for_upgrade:
            return  # the same head comes again
        super().on_headers_complete()
        self.headers = []  # trailers are not part of the head, or they could say what a proxy has taken out of it
        if self.scope["method"] == "CONNECT":
            self.cycle.keep_alive = False
        if can_hand_off():
            extensions: dict[str, Any] = self.scope.setdefault("extensions", {})
            extensions[HAND_OFF] = Offer(self, self.cycle)

    def on_body(self, body: bytes) -> None:
        """What came belongs to the body, which the application counts."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._head_bytes = 0
        if self.parser.asks_for_upgrade:
            return
        self._receiving = False
        self._stop_timer()
        super().on_message_complete()

    def eof_received(self) -> bool:  # type: ignore[override] # asyncio's says so
        """The client sends no more. It may still read, so a request that has come whole is answered.

        What is being answered is not waited for: through ASGI a stream learns from this that its client is gone. TLS
        has no half-closed connections.
        """
        if self.scheme == "https" or self._receiving or not self._is_answering or self.cycle.response_started:
            return False
        self.cycle.keep_alive = False
        self.half_closed = True
        return True

    def on_response_complete(self) -> None:
        """The connection may be used again."""
        self._silent_since = self.loop.time()
        if self._is_crowded(len(self.connections)):
            self.timeout_keep_alive = CROWDED_KEEP_ALIVE_SECONDS
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._stop_timer()
        super().connection_lost(exc)

    # ---- What is given away --------------------------------------------------------------------

    def let_go(self) -> asyncio.Transport:
        """Forget the connection, and every reference that would keep this object alive. Its transport."""
        transport = self.transport
        self.connections.discard(self)
        self._stop_timer()
        self._unset_keepalive_if_required()
        self.flow.resume_reading()  # paused if requests were pipelined behind this one; there is no answer for them
        self.pipeline.clear()
        self.transport = self.flow = self.cycle = self.parser = self.scope = self.headers = None  # type: ignore[assignment]
        return transport

    def answer_last(self) -> None:
        """Have the newest request that has come be the connection's last, and its answer say so."""
        if self._is_answering:
            newest = self.pipeline[0][0] if self.pipeline else self.cycle
            newest.keep_alive = False

    def give_up_receiving(self) -> None:
        """Close the connection if only a part of a request has come: nobody will answer it."""
        if self._receiving:
            self.transport.close()

    @property
    def is_busy(self) -> bool:
        """Whether a request is arriving or being answered."""
        return self._receiving or self._is_answering

    @property
    def silent_seconds(self) -> float:
        """How long nothing was asked or answered here."""
        return self.loop.time() - self._silent_since

    @property
    def _is_answering(self) -> bool:
        # None before the first request, whatever its type says.
        return self.cycle is not None and not self.cycle.response_complete  # type: ignore[redundant-expr]

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Offer:
    """One request's socket; see `pulsestage.realtime.response.HandOff`.

    It is in the request's scope, which both hold: without weak references each request would be left to the garbage
    collector.
    """

    __slots__ = ("_cycle", "_protocol")

    def __init__(self, protocol: StreamingProtocol, cycle: RequestResponseCycle) -> None:
        self._protocol = ref(protocol)
        self._cycle = ref(cycle)

    @property
    def chunked(self) -> bool:
        """HTTP/1.0 knows no chunks: there the body ends with the connection."""
        cycle = self._cycle()
        return cycle is not None and cycle.scope["http_version"] != "1.0"

    def begin(self) -> bool:
        """Have uvicorn say in the head that the connection is not kept (RFC 9112, section 9.6)."""
        cycle = self._cycle()
        if cycle is None or cycle.response_started or cycle.more_body:
            return False
        cycle.keep_alive = False
        if not self.chunked:
            cycle.chunked_encoding = False
        return True

    def take(self) -> asyncio.Transport | None:
        """The transport, or None if the head has not come through to uvicorn. Raises ConnectionError."""
        cycle, protocol = self._cycle(), self._protocol()
        if cycle is None or protocol is None:
            raise ConnectionAbortedError("the client is gone")
        if cycle.disconnected or protocol.half_closed or protocol.transport.is_closing():
            cycle.response_complete = True
            protocol.transport.close()
            raise ConnectionAbortedError("the client is gone")
        if not cycle.response_started:
            cycle.chunked_encoding = None
            return None
        # To uvicorn the request is answered and its client gone: what a middleware still sends is dropped.
        cycle.response_complete = cycle.disconnected = True
        return protocol.let_go()


@cache
def can_hand_off() -> bool:
    """Whether this uvicorn has what a hand-off touches; said once if not."""
    missing = {name for touched, names in TOUCHED.items() for name in names if not _has(touched, name)}
    if missing:
        log.warning("This version of uvicorn can't hand over its sockets (no %s)", ", ".join(sorted(missing)))
    return not missing


def _has(touched: type, name: str) -> bool:
    """As a method, or as an attribute that is set when an instance is made."""
    return hasattr(touched, name) or name in touched.__init__.__code__.co_names  # type: ignore[misc] # of the class, as it is
