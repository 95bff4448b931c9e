"""Which streams may begin. One too many is refused; none that runs is ended for it."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulsestage.domain.errors import TooManyRequests, Unavailable
from pulsestage.services.limits import Rate, RateLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulsestage.realtime import Hub
    from pulsestage.services.census import Census

BURST_SECONDS = 5
"""A hall that comes back at once, after a restart say, may do so much ahead of its rate."""


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How many streams there may be, and how fast they may come."""

    in_all: int = 10_000
    per_tenant: int = 10_000
    per_address: int = 5_000
    per_person: int = 50
    joins_per_second: int = 1_000
    """Of one tenant; 0 for no limit."""


class Admission:
    """Knows the limits, and the times of the last joins. How many streams there are, and whose, the hub knows."""

    def __init__(self, limits: StreamLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        rate = Rate(per_minute=60 * limits.joins_per_second, burst=BURST_SECONDS * limits.joins_per_second)
        self._joins = RateLimits({"join": rate}, clock)

    def check(self, hub: Hub, census: Census, tenant_id: str, address: str, person: str | None) -> tuple[str, ...]:
        """Who holds this stream. Raises Unavailable if they have no room for it, or it comes too soon after others.

        `address` is where the request comes from, as far as the server and the proxies that it trusts can tell.
        `person` is None for somebody who was never here before.
        """
        self.check_room(hub, census, tenant_id, address, person)
        try:
            # Each tenant has a rate of its own: a storm in one is no reason to refuse another's.
            self._joins.take("join", tenant_id)
        except TooManyRequests as error:
            later = error.retry_after_seconds + random.randrange(BURST_SECONDS)  # noqa: S311 - not all at once
            raise Unavailable("Too many streams begin at once; try again later.", retry_after_seconds=later) from error
        return (address, person) if person else (address,)

    def check_room(self, hub: Hub, census: Census, tenant_id: str, address: str, person: str | None) -> None:
        """Raises Unavailable if one of these has as many streams as it may.

        What the other instances have counts too, as of their last census; the server's own limit is for it alone. Asked
        again just before a stream begins: others may have begun while its ticket was spent or its team looked up.
        """
        limits = self._limits
        for whose, count, limit in (
            ("You have", hub.held_by(person) + census.held_by(person) if person else 0, limits.per_person),
            ("This address has", hub.held_by(address) + census.held_by(address), limits.per_address),
            ("This tenant has", hub.connections(tenant_id) + census.streams(tenant_id), limits.per_tenant),
            ("This server has", hub.total_connections, limits.in_all),
        ):
            if count >= limit:
                raise Unavailable(f"{whose} as many streams as allowed; try again later.", retry_after_seconds=10)
