"""A sink that is iterated over."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from pulsestage.realtime.errors import SinkFull


def _ignore() -> None:
    """Do nothing until `attach`."""


class IteratorSink:
    """Gives a stream's payloads to the task that iterates over it. One is in flight at a time and none is queued.

    The iterating task asks for the next payload when it has sent the last one. The stream ends with the iteration, or
    when the task is cancelled.

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
        """Set the callbacks."""
        self._on_drain = on_drain
        self._on_close = on_close

    def write(self, payload: bytes) -> bool:
        """Send these bytes. Always False: `on_drain` follows when they were sent. Raises SinkFull before that."""
        if self._closing:
            return False
        if self._payload is not None:
            raise SinkFull("a payload is still in flight")
        self._payload = payload
        self._changed.set()
        return False

    def close(self, farewell: bytes = b"") -> None:
        """End after what is in flight, and `farewell`, were sent."""
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
        """What is written, as it comes; the farewell; the end. `on_close` is called when the iteration ends."""
        try:
            async with aclosing(self._written()) as written:
                async for payload in written:
                    yield payload
        finally:
            self._finish()

    async def _written(self) -> AsyncGenerator[bytes]:
        self._reader = asyncio.current_task()
        while not (self._closing and self._payload is None):
            await self._changed.wait()
            self._changed.clear()
            if self._payload is not None:
                yield self._payload  # the server resumes this generator when it has sent the payload
                self._payload = None
                if not self._closing:
                    self._on_drain()
        if self._farewell:
            yield self._farewell

    def _finish(self) -> None:
        self._closing = True
        self._payload = None
        self._on_close()
