"""A thread for calls that block, in their order.

The standard library's executor, its futures and their conversion for the event loop are some sixty calls in Python for
each call handed over: more than a COMMIT costs.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class CallThread:
    """Starts its thread with the first call."""

    def __init__(self, name: str) -> None:
        # A daemon, since a database that nobody has closed must not keep the interpreter from ending.
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._calls: SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]] | None] = SimpleQueue()

    async def call(self, function: Callable[[], T]) -> T:
        """Call the function in the thread. A caller who is cancelled still waits for its end."""
        if self._thread.ident is None:
            self._thread.start()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._calls.put((function, future))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            while not future.done():
                with suppress(asyncio.CancelledError):  # once is enough
                    await asyncio.wait([future])
            raise

    def close(self) -> None:
        """End the thread after the calls that were made."""
        if self._thread.ident is not None:
            self._calls.put(None)
            self._thread.join()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            function, future = call
            try:
                result = function()
            except BaseException as error:  # noqa: BLE001 - the caller's
                future.get_loop().call_soon_threadsafe(future.set_exception, error)
            else:
                future.get_loop().call_soon_threadsafe(future.set_result, result)
            del call, function, future
