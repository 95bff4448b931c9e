"""The streams of a tenant that read the same bytes."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pulsestage.realtime.encoding import Coding
from pulsestage.realtime.filter import View
from pulsestage.realtime.payloads import Payload
from pulsestage.realtime.sink import DirectSink, Sink
from pulsestage.realtime.stats import Counters

if TYPE_CHECKING:
    from pulsestage.realtime.subscription import Subscription


class Cohort:
    """One view in one coding. Those of its streams that are live are written together, some at a time.

    Live streams stand in a row, and each knows its place. While a payload is being written, the first so many of them
    are *due*: they don't have it yet. Whoever leaves is replaced by the last one of those he stood with.
    """

    __slots__ = ("_behind", "_due", "_payload", "_readers", "_writes", "coding", "size", "view")

    def __init__(self, view: View, coding: Coding) -> None:
        self.view = view
        self.coding = coding
        self.size = 0
        """Streams, live or not."""
        self._readers: list[Subscription] = []
        self._writes: list[Callable[[bytes], int]] = []
        self._due = 0
        self._payload: Payload | None = None
        self._behind = 0

    @property
    def has_live(self) -> bool:
        """Whether there is anybody to write to."""
        return bool(self._readers)

    @property
    def has_due(self) -> bool:
        """Whether the payload is still to be written to somebody."""
        return self._due > 0

    def join(self, subscription: "Subscription", sink: Sink) -> None:
        """Write to this stream too, from the next payload on."""
        subscription.place = len(self._readers)
        self._readers.append(subscription)
        direct = sink.direct if isinstance(sink, DirectSink) else None
        self._writes.append(direct or sink.write)

    def leave(self, subscription: "Subscription") -> int | None:
        """Write to it no more. The seq it has come to, if that is less than the others'."""
        behind = self.behind(subscription)
        hole = subscription.place
        if hole < self._due:
            self._due -= 1
            self._move(self._due, hole)
            hole = self._due
        self._move(len(self._readers) - 1, hole)
        self._readers.pop()
        self._writes.pop()
        return behind

    def behind(self, subscription: "Subscription") -> int | None:
        """The seq that a live stream has come to, if the present payload is still to be written to it."""
        return self._behind if subscription.place < self._due else None

    def begin(self, payload: Payload, after: int) -> None:
        """This payload, of what follows seq `after`, is for all who are live now."""
        self._due = len(self._readers)
        self._payload = payload
        self._behind = after

    def write(self, limit: int, counters: Counters) -> int:
        """Write to at most so many of those who are due; how many there were.

        One call per reader and a comparison: this loop is what the product lives on. Nobody is told anything from
        inside a sink's `write`, so the row stays as it is until those are looked after who didn't take all of it.
        """
        payload, end = self._payload, self._due
        if payload is None:
            return 0
        start = max(0, end - limit)
        data, size = payload.data, len(payload.data)
        hindered: list[tuple[Subscription, int | Exception]] = []
        for place, write in enumerate(self._writes[start:end], start):
            try:
                taken = write(data)
            except Exception as error:  # noqa: BLE001 - one broken sink must not cost the others their events
                hindered.append((self._readers[place], error))
            else:
                if taken != size and taken is not True:
                    hindered.append((self._readers[place], taken))
        self._due = start
        if not start:
            self._payload = None
        for subscription, result in hindered:
            subscription.hinder(data, result)
        counters.wrote(size, payload.frames, end - start)
        counters.conflated += payload.conflated * (end - start)
        counters.saved += payload.saved * (end - start)
        return end - start

    def _move(self, source: int, target: int) -> None:
        if source != target:
            self._readers[target] = self._readers[source]
            self._writes[target] = self._writes[source]
            self._readers[target].place = target
