"""The streams of a tenant that read the same bytes."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pulsestage.realtime.encoding import EncodingName
from pulsestage.realtime.filter import View
from pulsestage.realtime.payloads import Payload
from pulsestage.realtime.sink import Sink
from pulsestage.realtime.stats import Counters

if TYPE_CHECKING:
    from pulsestage.realtime.subscription import Subscription

Write = Callable[[bytes], bool]


class Cohort:
    """One view in one encoding. Those of its streams that are live are written together, some at a time.

    While a payload is being written, a live stream either has it or is *due*.
    """

    __slots__ = ("_behind", "_due", "_live", "_payload", "encoding", "size", "view")

    def __init__(self, view: View, encoding: EncodingName) -> None:
        self.view = view
        self.encoding = encoding
        self.size = 0
        """Streams, live or not."""
        self._live: dict[Subscription, Write] = {}
        self._due: dict[Subscription, Write] = {}
        self._payload: Payload | None = None
        self._behind = 0

    @property
    def has_live(self) -> bool:
        """Whether there is anybody to write to."""
        return bool(self._live)

    @property
    def has_due(self) -> bool:
        """Whether the payload is still to be written to somebody."""
        return bool(self._due)

    def join(self, subscription: "Subscription", sink: Sink) -> None:
        """Write to this stream too, from the next payload on."""
        self._live[subscription] = sink.write

    def leave(self, subscription: "Subscription") -> int | None:
        """Write to it no more. The seq it has come to, if that is less than the others'."""
        behind = self.behind(subscription)
        self._due.pop(subscription, None)
        self._live.pop(subscription, None)
        return behind

    def behind(self, subscription: "Subscription") -> int | None:
        """The seq that a live stream has come to, if the present payload is still to be written to it."""
        return self._behind if subscription in self._due else None

    def begin(self, payload: Payload, after: int) -> None:
        """This payload, of what follows seq `after`, is for all who are live now."""
        self._due, self._live = self._live, self._due
        self._payload = payload
        self._behind = after

    def write(self, limit: int, counters: Counters) -> int:
        """Write to at most so many of those who are due; how many there were.

        One call per reader, and little else unless a sink is full: this loop is what the product lives on.
        """
        payload, due, live = self._payload, self._due, self._live
        if payload is None:
            return 0
        data = payload.data
        count = min(limit, len(due))
        for _ in range(count):
            if not due:
                break  # a sink that failed took others with it
            subscription, write = due.popitem()
            try:
                if write(data):
                    live[subscription] = write
                else:
                    subscription.fill()
            except Exception as error:  # noqa: BLE001 - one broken sink must not cost the others their events
                subscription.fail(error)
        if not due:
            self._payload = None
        counters.wrote(len(data), payload.frames, count)
        counters.conflated += payload.conflated * count
        counters.saved += payload.saved * count
        return count
