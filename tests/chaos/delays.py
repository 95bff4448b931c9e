"""How late events were for clients that are always there, by what was wrong at the time."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.stress.history import frame_of
from tests.stress.reader import Reader

if TYPE_CHECKING:
    import asyncio

    from tests.stress.connection import Connection

PEACE = "peace"
AFTERMATH_MILLIS = 1500
"""What is late because of a fault may be so a moment after it."""
_NO_EVENTS = {"connected", "snapshot", "heartbeat", "goodbye", "reset"}


@dataclass(frozen=True)
class Spell:
    """A fault, in milliseconds since the epoch."""

    kind: str
    began: float
    ended: float


class Delays:
    """Times of events and of their arrival."""

    def __init__(self) -> None:
        self.spells: list[Spell] = []
        self._arrivals: list[tuple[int, float]] = []

    def arrived(self, timestamp: int) -> None:
        """An event of that time has reached a client."""
        self._arrivals.append((timestamp, time.time() * 1000))

    def worst(self) -> dict[str, float]:
        """Seconds from an event's timestamp to the client that got it last, by kind of fault."""
        worst: dict[str, float] = dict.fromkeys([PEACE, *(spell.kind for spell in self.spells)], 0.0)
        for timestamp, arrival in self._arrivals:
            kind = self._kind(timestamp, arrival)
            worst[kind] = max(worst[kind], (arrival - timestamp) / 1000)
        return worst

    def counts(self) -> Counter[str]:
        """How often each kind was."""
        return Counter(spell.kind for spell in self.spells)

    def _kind(self, timestamp: int, arrival: float) -> str:
        for spell in self.spells:
            if timestamp <= spell.ended + AFTERMATH_MILLIS and arrival >= spell.began:
                return spell.kind
        return PEACE


class Watcher(Reader):
    """A client that reads whatever comes, as it comes, and is back as soon as it can be."""

    delays: Delays

    async def _spend_time(self, over: asyncio.Event) -> None:
        connection: Connection | None = self._connection
        assert connection is not None
        await self._until(connection.ended, over)

    def _take(self, frames: list[bytes]) -> None:
        super()._take(frames)
        for block in frames:
            frame = frame_of(block)
            if frame.type not in _NO_EVENTS:
                self.delays.arrived(frame.message["timestamp"])
