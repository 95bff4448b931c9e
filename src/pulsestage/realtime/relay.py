"""How the processes over one store tell one another to look: the Protocol, and a relay inside one process.

A relay is a hint. It may lose, repeat, delay and reorder what it is told; the log is the truth, and whoever listens
puts it in order and reads what is missing. So a relay needs no queue on disk, no acknowledgement and no retry.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from pulsestage.realtime.announcement import Announcement
from pulsestage.realtime.errors import MalformedAnnouncement

logger = logging.getLogger("pulsestage.realtime")


@dataclass(slots=True)
class RelayStats:
    """Totals since the relay was made."""

    announced: int = 0
    """Announcements that were given to it, …"""
    dropped: int = 0
    """… and those of them that it knows it has not sent."""
    received: int = 0
    """Announcements that came in. Those of its own that come back may be among them."""
    malformed: int = 0
    """What came in and was no announcement; it was ignored."""
    reconnects: int = 0
    """Times it was connected again after it had lost its connection."""


class Relay(Protocol):
    """One process's way to all others over the same store. All of it is called on one event loop.

    In peace every announcement reaches all who listen, and those of one process in their order. Nothing more is
    promised. Every implementation passes `pulsestage.contracts.relay.RelayContract`.
    """

    def listening(self, on_announcement: Callable[[Announcement], None]) -> AbstractAsyncContextManager[None]:
        """The relay's life: it has connections and tasks inside this block only, one block at a time.

        Entering neither fails nor waits for a broker that is not there: the relay goes on trying, and `healthy` says
        when it has come about. `on_announcement` is called on the loop, never from inside `announce` and never after
        the block. What it raises is logged. It may be told what this relay itself announced: to who knows it already
        that is one more repeat. An error in the block comes out of it as it is.
        """

    def announce(self, announcement: Announcement) -> None:
        """Tell the others. Never waits and never raises; outside `listening` and without a connection it does nothing.

        What can't be sent at once may wait: some hundreds of announcements, but a bounded number. More are dropped.
        """

    @property
    def healthy(self) -> bool:
        """Whether announcements get through, as far as is known. False outside `listening`.

        While it is False, look into the log more often. When it comes back, look once: what was announced in between
        is lost.
        """

    def stats(self) -> RelayStats:
        """What was counted, as of now."""


class Receiver:
    """What every implementation does with the bytes that come in, in the order they come.

    >>> stats = RelayStats()
    >>> receiver = Receiver(print, stats)
    >>> receiver.receive(b'{"v":1,"tenant":"t1","epoch":"7f3a","head":7}')
    Announcement(tenant='t1', epoch='7f3a', head=7, events=())
    >>> receiver.receive(b"PING")
    >>> stats.received, stats.malformed
    (1, 1)
    """

    __slots__ = ("_on_announcement", "_stats")

    def __init__(self, on_announcement: Callable[[Announcement], None], stats: RelayStats) -> None:
        self._on_announcement = on_announcement
        self._stats = stats

    def receive(self, data: bytes) -> None:
        """Decode, count and tell. Never raises: one bad message must not end the connection that brings the next."""
        try:
            announcement = Announcement.decode(data)
        except MalformedAnnouncement:
            self._stats.malformed += 1  # not logged: a stranger on the channel could fill the disk
            return
        self._stats.received += 1
        try:
            self._on_announcement(announcement)
        except Exception:
            logger.exception("An announcement for tenant %s could not be taken in", announcement.tenant)


class MemoryBus:
    """What joins the memory relays of one process, as a broker joins those of several."""

    def __init__(self) -> None:
        self._receivers: dict[MemoryRelay, Receiver] = {}
        self._running = True

    @property
    def running(self) -> bool:
        """Whether anything gets through."""
        return self._running

    def publish(self, data: bytes, sender: "MemoryRelay | None" = None) -> None:
        """Give these bytes to all who listen, soon; not to the sender."""
        if not self._running:
            return
        loop = asyncio.get_running_loop()
        for relay, receiver in self._receivers.items():
            if relay is not sender:
                loop.call_soon(self._deliver, relay, receiver, data)

    def stop(self) -> None:
        """Play a broker that is out: nothing gets through until `start`."""
        self._running = False

    def start(self) -> None:
        """End what `stop` began."""
        if not self._running:
            self._running = True
            for relay in self._receivers:
                relay.reconnected()

    def join(self, relay: "MemoryRelay", receiver: Receiver) -> None:
        """From now on this relay hears what others announce."""
        self._receivers[relay] = receiver

    def leave(self, relay: "MemoryRelay") -> None:
        """Nothing reaches this relay any more, not even what is on its way."""
        del self._receivers[relay]

    def _deliver(self, relay: "MemoryRelay", receiver: Receiver, data: bytes) -> None:
        if self._receivers.get(relay) is receiver:
            receiver.receive(data)


class MemoryRelay:
    """Joins the hubs of one process over one store: for tests, and to see what a relay does.

    Announcements travel as bytes, so that what is heard here is what would be heard over a wire.

    >>> async def main() -> None:
    ...     bus = MemoryBus()
    ...     one, other = MemoryRelay(bus), MemoryRelay(bus)
    ...     async with one.listening(print), other.listening(lambda announcement: print("the other:", announcement)):
    ...         one.announce(Announcement("t1", "7f3a", 7))
    ...         await asyncio.sleep(0)
    >>> asyncio.run(main())
    the other: Announcement(tenant='t1', epoch='7f3a', head=7, events=())
    """

    def __init__(self, bus: MemoryBus, *, limit: int | None = None) -> None:
        self._bus = bus
        self._limit = limit
        self._listening = False
        self._stats = RelayStats()

    @asynccontextmanager
    async def listening(self, on_announcement: Callable[[Announcement], None]) -> AsyncIterator[None]:
        """Be on the bus."""
        self._bus.join(self, Receiver(on_announcement, self._stats))
        self._listening = True
        try:
            yield
        finally:
            self._listening = False
            self._bus.leave(self)

    def announce(self, announcement: Announcement) -> None:
        """Give it to the bus; without its events if it would have more than `limit` bytes."""
        self._stats.announced += 1
        try:
            data = announcement.encode(self._limit)
        except ValueError:
            logger.exception("An announcement for tenant %r could not be encoded", announcement.tenant)
            self._stats.dropped += 1
            return
        if self.healthy:
            self._bus.publish(data, sender=self)
        else:
            self._stats.dropped += 1

    @property
    def healthy(self) -> bool:
        """Whether it is on a bus that runs."""
        return self._listening and self._bus.running

    def reconnected(self) -> None:
        """The bus runs again."""
        self._stats.reconnects += 1

    def stats(self) -> RelayStats:
        """What was counted, as of now."""
        return replace(self._stats)
