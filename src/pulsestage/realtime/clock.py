"""Time, so that tests can be its masters."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call that is to come."""

    def cancel(self) -> None:
        """Don't make it; nothing happens if it was made."""


class Clock(Protocol):
    """Where the engine takes all time from."""

    def time(self) -> float:
        """Seconds on a clock that never goes back."""

    def now(self) -> int:
        """Milliseconds since the Unix epoch, for timestamps."""

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` on the event loop after so many seconds."""


class LoopClock:
    """The running event loop's clock."""

    def time(self) -> float:
        """Seconds. Not the loop's own time, which uvloop reads once per turn, in whole milliseconds."""
        return time.monotonic()

    def now(self) -> int:
        """Milliseconds since the Unix epoch."""
        return time.time_ns() // 1_000_000

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """A timer of the loop."""
        return asyncio.get_running_loop().call_later(seconds, callback)
