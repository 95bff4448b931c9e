"""The answer that is a stream: the seam between HTTP and the event engine."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from starlette.responses import Response

from pulsestage.http.edge import is_head
from pulsestage.realtime import AsgiSink

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from pulsestage.realtime import Hub, StreamRequest


class EventStream(Response):
    """Subscribes, and leaves the connection to the engine until it ends. `readers` counts streams by address."""

    def __init__(self, hub: Hub, request: StreamRequest, readers: Counter[str]) -> None:
        super().__init__()
        self._hub = hub
        self._request = request
        self._readers = readers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream. Raises HubClosed before anything is sent."""
        sink = AsgiSink(receive, send)
        address = address_of(scope)
        self._readers[address] += 1
        try:
            await self._hub.subscribe(self._request, sink)
            await sink.run(self._head(), head_only=is_head(scope))
        finally:
            self._readers[address] -= 1
            if not self._readers[address]:
                del self._readers[address]

    def _head(self) -> list[tuple[bytes, bytes]]:
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),
            (b"vary", b"Accept-Encoding"),
        ]
        if self._request.encoding == "gzip":
            headers.append((b"content-encoding", b"gzip"))
        return headers


def address_of(scope: Scope) -> str:
    """Where a request comes from, as far as the server and the proxies that it trusts can tell."""
    client = scope.get("client")
    return client[0] if client else ""
