"""The answer that is a stream: the seam between HTTP and the event engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from pulsestage.http.edge import is_head
from pulsestage.realtime import respond

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from pulsestage.realtime import Hub, StreamRequest

HEADERS = ((b"x-accel-buffering", b"no"), (b"vary", b"Accept-Encoding"))


class EventStream(Response):
    """Subscribes, and leaves the connection to the engine. `check_room` raises if there is no room after all."""

    def __init__(self, hub: Hub, request: StreamRequest, check_room: Callable[[], None]) -> None:
        super().__init__()
        self._hub = hub
        self._request = request
        self._check_room = check_room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream. Raises HubClosed and Unavailable before anything is sent."""
        self._check_room()
        if is_head(scope):
            scope = {**scope, "method": "HEAD"}
        await respond(scope, receive, send, hub=self._hub, request=self._request, headers=HEADERS)
