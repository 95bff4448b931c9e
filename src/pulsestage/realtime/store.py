"""The log as the engine reads it, and a log in memory for the library's face and for tests."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pulsestage.realtime.event import Event
from pulsestage.realtime.position import Position


@dataclass(frozen=True, slots=True)
class LogBounds:
    """What can be read: events `floor + 1` … `head` of this epoch. `floor == head`: nothing can.

    >>> LogBounds("7f3a", floor=100, head=120).head
    120
    """

    epoch: str
    floor: int
    head: int

    def __post_init__(self) -> None:
        Position(self.epoch, self.floor)  # raises InvalidPosition
        if self.head < self.floor:
            raise ValueError(f"head {self.head} is below floor {self.floor}")


class EventStore(Protocol):
    """A log of events per tenant, numbered from 1 without gaps in commit order.

    What `bounds` has shown, `read` can see, and what an epoch's seq once named it names for ever. Both may raise
    anything: the engine logs it, ends the streams that needed the answer, and asks again. Every implementation passes
    `pulsestage.contracts.store.EventStoreContract`.
    """

    async def bounds(self, tenants: Collection[str]) -> Mapping[str, LogBounds]:
        """The bounds of each of these logs, by one query; a tenant that doesn't exist is missing.

        The streams of a tenant that is missing end, with a `goodbye` whose reason is `gone`.
        """

    async def read(self, tenant: str, after: int, limit: int) -> Sequence[Event]:
        """The first `limit` events with seq > `after`, ascending. If older ones were pruned the first seq shows it."""


@dataclass(slots=True)
class _Log:
    epoch: str
    floor: int = 0
    events: list[Event] = field(default_factory=list)

    @property
    def head(self) -> int:
        return self.floor + len(self.events)


class MemoryEventStore:
    """A log that lives as long as the process.

    >>> import asyncio
    >>> store = MemoryEventStore()
    >>> store.create("t1")
    >>> store.append("t1", "question:removed", 1696765800000, {"public": b'{"id":"q1"}'}).seq
    1
    >>> asyncio.run(store.bounds(["t1", "t2"]))
    {'t1': LogBounds(epoch='e1', floor=0, head=1)}
    """

    def __init__(self) -> None:
        self._logs: dict[str, _Log] = {}
        self._epochs = 0

    async def bounds(self, tenants: Collection[str]) -> Mapping[str, LogBounds]:
        """The bounds of those that were created."""
        return {
            tenant: LogBounds(log.epoch, log.floor, log.head)
            for tenant in tenants
            if (log := self._logs.get(tenant)) is not None
        }

    async def read(self, tenant: str, after: int, limit: int) -> Sequence[Event]:
        """The first events after `after`; none of an unknown tenant."""
        log = self._logs.get(tenant)
        if log is None:
            return ()
        start = max(0, after - log.floor)
        return tuple(log.events[start : start + limit])

    def create(self, tenant: str, epoch: str | None = None) -> None:
        """Begin the tenant's log, or begin it anew in a new epoch, as when it was lost.

        Left to itself the store counts its epochs from `e1`. Where clients outlive the process, name one that no
        earlier process has had: their positions are of a log that is no more.
        """
        self._epochs += 1
        self._logs[tenant] = _Log(epoch or f"e{self._epochs}")

    def append(
        self,
        tenant: str,
        type_: str,
        timestamp: int,
        variants: Mapping[str, bytes],
        *,
        topic: str | None = None,
        key: str | None = None,
    ) -> Event:
        """Log an event under the next number. Raises KeyError if the tenant was not created."""
        log = self._logs[tenant]
        event = Event(log.head + 1, type_, timestamp, variants, topic, key)
        log.events.append(event)
        return event

    def delete(self, tenant: str) -> None:
        """End the tenant's log, with all that is in it."""
        del self._logs[tenant]

    def prune(self, tenant: str, floor: int) -> None:
        """Forget events 1 … `floor`."""
        log = self._logs[tenant]
        floor = min(max(floor, log.floor), log.head)
        del log.events[: floor - log.floor]
        log.floor = floor
