"""A sink for any ASGI server, and for in-process clients."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import aclosing
from typing import Any

from pulsestage.realtime.iterator_sink import IteratorSink

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_PIECE_BYTES = 64 * 1024
"""A snapshot is sent in pieces, so that below this sink there is never more than one of them."""


class AsgiSink(IteratorSink):
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
        super().__init__()
        self._receive = receive
        self._send = send
        self._sent = 0

    @property
    def progress(self) -> int:
        """How many bytes the server has taken; it takes no more while too much waits for the reader."""
        return self._sent

    async def run(self, headers: Iterable[tuple[bytes, bytes]] | None, *, status: int = 200) -> None:
        """Send the response: its start, each payload as it comes, its end. `on_close` is called before it returns.

        `headers` is None if the start was sent already.

        What `send` raises when the client is gone (OSError) ends the stream; anything else is a mistake, and raised.
        """
        try:
            if headers is not None:
                await self._send({"type": "http.response.start", "status": status, "headers": list(headers)})
            async with asyncio.TaskGroup() as group:
                pump = group.create_task(self._send_payloads())
                watch = group.create_task(self._watch(pump))
                pump.add_done_callback(lambda _: watch.cancel())
        except* OSError:
            pass
        finally:
            self._finish()

    async def _watch(self, pump: asyncio.Task[None]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        pump.cancel()

    async def _send_payloads(self) -> None:
        async with aclosing(self._written()) as written:
            async for payload in written:
                for start in range(0, len(payload), _PIECE_BYTES):
                    piece = payload[start : start + _PIECE_BYTES]
                    await self._send({"type": "http.response.body", "body": piece, "more_body": True})
                    self._sent += len(piece)
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
