"""A stream as the response to an ASGI request, over the best sink that the server offers."""

import asyncio
import logging
from collections.abc import Iterable, MutableMapping
from dataclasses import replace
from functools import cache
from typing import Any, Final, Protocol

from pulsestage.realtime.asgi import AsgiSink, Receive, Send
from pulsestage.realtime.errors import HubClosed
from pulsestage.realtime.hub import Hub
from pulsestage.realtime.request import StreamRequest
from pulsestage.realtime.sink import Sink
from pulsestage.realtime.socket_sink import SocketSink

logger = logging.getLogger("pulsestage.realtime")

HAND_OFF: Final = "pulsestage.hand_off"
"""The ASGI extension by which a server offers the connection of a request: a `HandOff` in `scope["extensions"]`."""

COMMENT: Final = b":\n\n"
"""A frame that every reader ignores (HTML standard, section 9.2.6)."""


class HandOff(Protocol):
    """What a server offers for one request. Without it, or if it gives nothing, the stream goes through ASGI."""

    chunked: bool
    """Whether the body is to be sent in chunks, which the head promises; else it ends with the connection."""

    def begin(self) -> bool:
        """Have the head say that the connection ends with this response; False if it is too late for that."""

    def take(self) -> asyncio.Transport | None:
        """The transport, once the head was sent. The server forgets it, and drops what is still sent through ASGI.

        None if a middleware holds the head back: then the response goes on through it. Raises ConnectionError if the
        client is gone.
        """


async def respond(
    scope: MutableMapping[str, Any],
    receive: Receive,
    send: Send,
    *,
    hub: Hub,
    request: StreamRequest,
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    """Answer an ASGI request with a stream. Raises HubClosed before anything is sent.

    `headers` are added to Content-Type and Cache-Control (and to Content-Encoding where there is one). A HEAD request
    gets the head alone. With a server that hands over its sockets this returns at once and the stream goes on without
    it; with any other it returns when the stream has ended.
    """
    if not hub.running:
        raise HubClosed("the hub is not open")
    head = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache"), *headers]
    if request.encoding != "identity":
        head.append((b"content-encoding", request.encoding.encode()))
    start = {"type": "http.response.start", "status": 200, "headers": head}
    if scope["method"] == "HEAD":
        await send(start)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    offer: HandOff | None = (scope.get("extensions") or {}).get(HAND_OFF)
    if offer is None:
        _note_fall_back()
    elif offer.begin():
        await send(start)
        try:
            transport = offer.take()
        except ConnectionError:
            return
        if transport is not None:
            request = replace(request, chunked=offer.chunked)
            await _subscribe(hub, request, SocketSink(transport, request.coding.encode(COMMENT)))
        else:
            sink = AsgiSink(receive, send)
            await _subscribe(hub, request, sink)
            await sink.run(None)
        return
    sink = AsgiSink(receive, send)
    await hub.subscribe(request, sink)
    await sink.run(head)


async def _subscribe(hub: Hub, request: StreamRequest, sink: Sink) -> None:
    """After the head was sent, an error can't be the answer any more."""
    try:
        await hub.subscribe(request, sink)
    except HubClosed:  # it was closed since it was looked at; the client reconnects
        sink.close(request.coding.end)
    except BaseException:  # nobody else knows of the connection now
        sink.abort()
        raise


@cache
def _note_fall_back() -> None:
    """Once per process."""
    logger.warning("This server does not hand over its sockets: streams go through ASGI, which costs more")
