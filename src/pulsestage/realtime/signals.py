"""Closing a hub when the process is told to stop.

Servers end an application's lifespan after the last connection has ended, and streams don't end by themselves. The only
thing that all servers have before that is the signal.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from pulsestage.realtime.hub import Hub

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
LISTENING_SECONDS: Final = 0.2
"""How long the hub stays open after the signal: uvicorn notices it within 0.1 seconds and listens until then, and a
stream that began in between should end with a goodbye, not be refused."""


@contextmanager
def close_on_signals(hub: Hub) -> Iterator[None]:
    """Within the block, SIGTERM and SIGINT close the hub: every stream gets its goodbye and ends.

    Enter it in the application's lifespan, on the hub's event loop. The handlers that the server has installed are
    still called, at once, and are restored at the end of the block. A signal without a handler is left alone: the
    process ends by it. In threads other than the main one, which receive no signals, nothing is done.

    >>> import os
    >>> from pulsestage.realtime import MemoryEventStore
    >>> async def main() -> None:
    ...     stopped = asyncio.Event()
    ...     asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)  # as a server does
    ...     async with Hub(MemoryEventStore()) as hub:
    ...         with close_on_signals(hub):
    ...             os.kill(os.getpid(), signal.SIGTERM)
    ...             await stopped.wait()
    ...             while hub.running:
    ...                 await asyncio.sleep(0.01)
    ...     print("closed")
    >>> asyncio.run(main())
    closed
    """
    loop = asyncio.get_running_loop()
    replaced: dict[int, Callable[[int, FrameType | None], object]] = {}

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(loop.call_later, LISTENING_SECONDS, hub.begin_close, "shutdown")
        replaced[number](number, frame)

    if threading.current_thread() is threading.main_thread():
        for number in STOP_SIGNALS:
            handler = signal.getsignal(number)
            if callable(handler):
                replaced[number] = handler
                signal.signal(number, handle)
    try:
        yield
    finally:
        for caught, before in replaced.items():
            signal.signal(caught, before)
