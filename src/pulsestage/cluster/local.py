"""The relay `memory`: none."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pulsestage.realtime import RelayStats

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pulsestage.realtime import Announcement


class LocalRelay:
    """Tells nobody anything. While there are others it is not healthy, so that the hub looks into the log often."""

    def __init__(self, is_alone: Callable[[], bool]) -> None:
        self._is_alone = is_alone

    @asynccontextmanager
    async def listening(self, on_announcement: Callable[[Announcement], None]) -> AsyncIterator[None]:  # noqa: ARG002
        """Hear nothing."""
        yield

    def announce(self, announcement: Announcement) -> None:
        """Say nothing."""

    @property
    def healthy(self) -> bool:
        """Whether nobody misses anything by it."""
        return self._is_alone()

    def stats(self) -> RelayStats:
        """Zeros."""
        return RelayStats()
