"""Long work in slices, so that a hall of ten thousand doesn't keep a room of ten waiting."""

import logging
from collections import deque
from collections.abc import Callable

from pulsestage.realtime.clock import Clock

logger = logging.getLogger("pulsestage.realtime")

Slice = Callable[[int], bool]
"""Does at most so much, and says whether there is more to do. One that raises is logged and done no more."""


class Turns:
    """Does the first slice of each work at once, and the others in turn, one per turn of the event loop.

    >>> class Impatient:
    ...     def call_later(self, seconds, callback): self.callback = callback
    >>> todo = {"hall": 5, "room": 1}
    >>> def work(name):
    ...     def slice(limit):
    ...         todo[name] -= min(limit, todo[name])
    ...         print(name, todo[name])
    ...         return todo[name] > 0
    ...     return slice
    >>> clock = Impatient()
    >>> turns = Turns(clock, limit=2)
    >>> turns.begin(work("hall"))
    hall 3
    >>> turns.begin(work("room"))
    room 0
    >>> clock.callback()
    hall 1
    >>> clock.callback()
    hall 0
    """

    def __init__(self, clock: Clock, limit: int) -> None:
        self._clock = clock
        self._limit = limit
        self._waiting: deque[Slice] = deque()

    def begin(self, work: Slice) -> None:
        """Do what fits into a slice now, and the rest when it is its turn."""
        if self._do(work):
            self._wait(work)

    def _do(self, work: Slice) -> bool:
        try:
            return work(self._limit)
        except Exception:  # one tenant's trouble must not keep the others from their turns
            logger.exception("Writing to streams failed")
            return False

    def _wait(self, work: Slice) -> None:
        self._waiting.append(work)
        if len(self._waiting) == 1:
            self._clock.call_later(0, self._next)

    def _next(self) -> None:
        work = self._waiting[0]
        more = self._do(work)
        self._waiting.popleft()
        if more:
            self._waiting.append(work)
        if self._waiting:
            self._clock.call_later(0, self._next)
