"""The hub's background work: one task group, in which no failure takes the rest with it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self

Work = Callable[[], Coroutine[Any, Any, None]]
"""A function, not yet a coroutine: what is cancelled before it begins must not have been made."""

logger = logging.getLogger("pulsestage.realtime")


class Jobs:
    """Runs work until it ends or the block does.

    >>> async def work() -> None:
    ...     print("done")
    >>> async def main() -> None:
    ...     async with Jobs() as jobs:
    ...         await jobs.start(work)
    >>> asyncio.run(main())
    done
    """

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._running:
            task.cancel()
        # The block's own error is not the group's: it goes on as it is, not as a group of one.
        await self._group.__aexit__(None, None, None)

    def start(self, work: Work) -> asyncio.Task[None]:
        """Run this in the background. What it should have caught itself is logged."""
        task = self._group.create_task(_guarded(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task


async def _guarded(work: Work) -> None:
    try:
        await work()
    except Exception:
        logger.exception("A background job of the hub failed")
