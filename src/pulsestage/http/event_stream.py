"""The answer that is a stream: the seam between HTTP and the event engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from pulsestage.realtime import AsgiSink

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from pulsestage.realtime import Hub, StreamRequest


class EventStream(Response):
    """Subscribes, and leaves the connection to the engine until it ends."""

    def __init__(self, hub: Hub, request: StreamRequest) -> None:
        super().__init__()
        self._hub = hub
        self._request = request

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream. Raises HubClosed before anything is sent."""
        sink = AsgiSink(receive, send)
        await self._hub.subscribe(self._request, sink)
        await sink.run(self._head())

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
