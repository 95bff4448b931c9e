"""What one process knows of one tenant's log: where it is, its newest events, and those that came before their turn.

Announcements arrive twice, late, out of order or never. Here they become the log again, in order, each once. No I/O and
no time: the follower decides when a gap is read from the log, and the channel when streams are written to.
"""

from collections.abc import Iterable

from pulsestage.realtime.event import Event
from pulsestage.realtime.settings import HubSettings
from pulsestage.realtime.store import LogBounds
from pulsestage.realtime.window import Window


class Feed:
    """One epoch of a log, from the bounds it was opened with.

    >>> feed = Feed("t1", LogBounds("e1", floor=0, head=7), HubSettings())
    >>> feed.offer([Event(9, "question:removed", 1696765800000, {})])
    0
    >>> feed.head, feed.has_gap
    (7, True)
    >>> feed.offer([Event(8, "question:removed", 1696765800000, {})])
    2
    >>> feed.head, feed.has_gap
    (9, False)
    """

    __slots__ = ("_heard", "_limit", "_parked", "epoch", "floor", "window")

    def __init__(self, tenant: str, bounds: LogBounds, settings: HubSettings) -> None:
        self.epoch = bounds.epoch
        self.floor = bounds.floor
        """Events up to here can't be read from the log any more."""
        self.window = Window(
            bounds.epoch,
            tenant,
            after=bounds.head,
            max_events=settings.window_events,
            max_bytes=settings.window_bytes,
        )
        self._heard = bounds.head
        self._parked: dict[int, Event] = {}
        self._limit = settings.parked_events

    @property
    def head(self) -> int:
        """The last event that arrived in its turn."""
        return self.window.head

    @property
    def heard(self) -> int:
        """The highest seq that is known to exist."""
        return max(self._heard, self.window.head)

    @property
    def has_gap(self) -> bool:
        """Whether an event is known to exist that has not arrived, or not in its turn."""
        return self._heard > self.window.head

    def offer(self, events: Iterable[Event]) -> int:
        """Take what is new, in order; park what is early, while there is room. Returns how many joined the window."""
        window = self.window
        before = window.head
        for event in events:
            if event.seq == window.head + 1:
                window.append(event)
                # Parked events are all beyond the head: whatever moves it takes them along.
                while self._parked and (parked := self._parked.pop(window.head + 1, None)):
                    window.append(parked)
            elif event.seq > window.head:
                self.hear(event.seq)
                if len(self._parked) < self._limit:
                    self._parked[event.seq] = event
        return window.head - before

    def hear(self, seq: int) -> None:
        """This event exists."""
        self._heard = max(self._heard, seq)

    def forget_gap(self) -> None:
        """The log doesn't have what was announced (yet): wait for news."""
        self._heard = self.window.head

    def learn_floor(self, floor: int) -> None:
        """The log was pruned up to here."""
        self.floor = max(self.floor, floor)
