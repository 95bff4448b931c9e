"""A sink for any ASGI server, and for in-process clients."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from pulsestage.realtime.errors import SinkFull

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_PIECE_BYTES = 64 * 1024
"""A snapshot is sent in pieces, so that below this sink there is never more than one of them."""


def _ignore() -> None:
    """Nobody is attached."""


class AsgiSink:
    """Sends a stream as the response of one ASGI request. One payload is in flight at a time and none is queued.

    `await sink.run(headers)` is the whole response: it returns when the client is gone or the stream was closed.

    >>> import asyncio
    >>> async def receive():
    ...     await asyncio.sleep(3600)
    >>> async def send(message):
    ...     print(message)
    >>> async def main() -> None:
    ...     sink = AsgiSink(receive, send)
    ...     sink.attach(on_drain=lambda: sink.close(b"bye"), on_close=lambda: print("closed"))
    ...     sink.write(b"hello")
    ...     await sink.run([(b"content-type", b"text/event-stream")])
    >>> asyncio.run(main())
    {'type': 'http.response.start', 'status': 200, 'headers': [(b'content-type', b'text/event-stream')]}
    {'type': 'http.response.body', 'body': b'hello', 'more_body': True}
    {'type': 'http.response.body', 'body': b'bye', 'more_body': True}
    {'type': 'http.response.body', 'body': b'', 'more_body': False}
    closed
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._on_drain: Callable[[], None] = _ignore
        self._on_close: Callable[[], None] = _ignore
        self._in_flight: bytes | None = None
        self._farewell = b""
        self._closing = False
        self._wake = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None

    # ---- The sink ------------------------------------------------------------------------------

    def attach(self, on_drain: Callable[[], None], on_close: Callable[[], None]) -> None:
        """Who is to be told."""
        self._on_drain = on_drain
        self._on_close = on_close

    def write(self, payload: bytes) -> bool:
        """Send this. Always False: the next may follow when this one was sent. Raises SinkFull if it was not."""
        if self._closing:
            return False
        if self._in_flight is not None:
            raise SinkFull("a payload is still in flight")
        self._in_flight = payload
        self._wake.set()
        return False

    def close(self, farewell: bytes = b"") -> None:
        """End after what is in flight, and `farewell`, were sent."""
        if not self._closing:
            self._closing = True
            self._farewell = farewell
            self._wake.set()

    def abort(self) -> None:
        """End now."""
        self._closing = True
        self._in_flight = None
        self._farewell = b""
        self._wake.set()
        if self._pump is not None:
            self._pump.cancel()

    # ---- The response --------------------------------------------------------------------------

    async def run(self, headers: Iterable[tuple[bytes, bytes]] | None, *, status: int = 200) -> None:
        """Send the response: its start, each payload as it comes, its end. `on_close` is called before it returns.

        `headers` is None if the start was sent already.

        What `send` raises when the client is gone (OSError) ends the stream; anything else is a mistake, and raised.
        """
        try:
            if headers is not None:
                await self._send({"type": "http.response.start", "status": status, "headers": list(headers)})
            async with asyncio.TaskGroup() as group:
                self._pump = group.create_task(self._send_payloads())
                watch = group.create_task(self._watch(self._pump))
                self._pump.add_done_callback(lambda _: watch.cancel())
        except* OSError:
            pass
        finally:
            self._closing = True
            self._in_flight = None
            self._on_close()

    async def _watch(self, pump: asyncio.Task[None]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        pump.cancel()

    async def _send_payloads(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._in_flight is not None:
                await self._send_body(self._in_flight)
                self._in_flight = None
                if not self._closing:
                    self._on_drain()
            if self._closing and self._in_flight is None:
                break
        await self._send_body(self._farewell)
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_body(self, payload: bytes) -> None:
        for start in range(0, len(payload), _PIECE_BYTES):
            piece = payload[start : start + _PIECE_BYTES]
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
