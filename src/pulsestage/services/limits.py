"""How often one person may do something: the generic cell rate algorithm (ITU-T I.371), one number per person.

Limits are per person, never per address: a whole venue sits behind one address.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulsestage.domain.errors import TooManyRequests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_PEOPLE = 50_000
"""How many people are remembered; the one who was quiet longest is forgotten first."""

TOLERANCE_SECONDS = 1e-6
"""Sums of fractions of a second are not exact; nobody loses the last one of a burst to that."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many per minute, evenly, with bursts of up to `burst` at once. Zero per minute means no limit."""

    per_minute: int
    burst: int


class RateLimits:
    """Counts what people do at this instance: the Limits port. `clock` gives monotonic seconds."""

    def __init__(self, rates: Mapping[str, Rate], clock: Callable[[], float]) -> None:
        self._rates = rates
        self._clock = clock
        self._busy_until: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def check(self, action: str, person_id: str) -> None:
        """Count one action of a person. Raises TooManyRequests when it comes too early, and then doesn't count it."""
        self.take(action, person_id)

    def take(self, action: str, person_id: str) -> None:
        """What `check` does, for who can't wait."""
        rate = self._rates[action]
        if rate.per_minute <= 0:
            return
        now = self._clock()
        interval = 60 / rate.per_minute
        busy_until = max(self._busy_until.get((action, person_id), 0.0), now)
        early = busy_until + interval - now - interval * rate.burst
        if early > TOLERANCE_SECONDS:
            raise TooManyRequests(math.ceil(early))
        self._busy_until[action, person_id] = busy_until + interval
        self._busy_until.move_to_end((action, person_id))
        if len(self._busy_until) > MAX_PEOPLE:
            self._busy_until.popitem(last=False)
