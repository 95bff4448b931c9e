"""A stream as an async iterator of bytes, for frameworks whose responses send one."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from pulsestage.realtime.errors import HubClosed, SinkFull
from pulsestage.realtime.hub import Hub
from pulsestage.realtime.request import StreamRequest


def _ignore() -> None:
    """Nobody is attached."""


class IteratorSink:
    """Gives a stream to whoever iterates over it. One payload is given at a time and none is queued.

    The next payload is asked for when the last one was sent, so a slow reader holds up nobody but itself. The stream
    has ended for the reader when the iteration ends, or when its task is cancelled.

    >>> async def main() -> None:
    ...     sink = IteratorSink()
    ...     sink.attach(on_drain=lambda: sink.close(b"bye"), on_close=lambda: print("closed"))
    ...     sink.write(b"hello")
    ...     async for payload in sink.payloads():
    ...         print(payload)
    >>> asyncio.run(main())
    b'hello'
    b'bye'
    closed
    """

    def __init__(self) -> None:
        self._on_drain: Callable[[], None] = _ignore
        self._on_close: Callable[[], None] = _ignore
        self._payload: bytes | None = None
        self._farewell = b""
        self._closing = False
        self._changed = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    def attach(self, on_drain: Callable[[], None], on_close: Callable[[], None]) -> None:
        """Who is to be told."""
        self._on_drain = on_drain
        self._on_close = on_close

    def write(self, payload: bytes) -> bool:
        """Give this next. Always False: another may follow when it was sent. Raises SinkFull if it was not."""
        if self._closing:
            return False
        if self._payload is not None:
            raise SinkFull("a payload is still being sent")
        self._payload = payload
        self._changed.set()
        return False

    def close(self, farewell: bytes = b"") -> None:
        """End after what was accepted, and `farewell`, were sent."""
        if not self._closing:
            self._closing = True
            self._farewell = farewell
            self._changed.set()

    def abort(self) -> None:
        """End now: the task that iterates is cancelled."""
        self._closing = True
        self._payload = None
        self._farewell = b""
        self._changed.set()
        if self._reader is not None:
            self._reader.cancel()

    async def payloads(self) -> AsyncGenerator[bytes]:
        """What is written, as it comes; the farewell; the end. To be iterated over once."""
        self._reader = asyncio.current_task()
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                if self._payload is not None:
                    yield self._payload
                    self._payload = None
                    if not self._closing:
                        self._on_drain()
                if self._closing and self._payload is None:
                    break
            if self._farewell:
                yield self._farewell
        finally:
            self._closing = True
            self._payload = None
            self._reader = None
            self._on_close()


def stream_body(*, hub: Hub, request: StreamRequest) -> AsyncIterator[bytes]:
    """The body of a stream's response, for frameworks that are not given `respond`. Raises HubClosed.

    The response's head is yours: `Content-Type: text/event-stream`, `Cache-Control: no-cache`, and `Content-Encoding`
    if the request has one. The stream begins with the iteration and ends with it.
    """
    if not hub.running:
        raise HubClosed("the hub is not open")
    return _body(hub, request)


async def _body(hub: Hub, request: StreamRequest) -> AsyncGenerator[bytes]:
    sink = IteratorSink()
    try:
        await hub.subscribe(request, sink)
    except HubClosed:  # since we looked; the client comes back
        return
    async with aclosing(sink.payloads()) as payloads:
        async for payload in payloads:
            yield payload
