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


class Cohort:
    """One view in one encoding. Those of its streams that are live are written together."""

    __slots__ = ("_live", "encoding", "size", "view")

    def __init__(self, view: View, encoding: EncodingName) -> None:
        self.view = view
        self.encoding = encoding
        self.size = 0
        """Streams, live or not."""
        self._live: dict[Subscription, Callable[[bytes], bool]] = {}

    @property
    def has_live(self) -> bool:
        """Whether there is anybody to write to."""
        return bool(self._live)

    def join(self, subscription: "Subscription", sink: Sink) -> None:
        """Write to this stream too, from the next payload on."""
        self._live[subscription] = sink.write

    def leave(self, subscription: "Subscription") -> None:
        """Write to it no more."""
        del self._live[subscription]

    def write(self, payload: Payload, counters: Counters) -> None:
        """One call per reader, and nothing else unless a sink is full: this loop is what the product lives on."""
        data = payload.data
        readers = list(self._live.items())
        for subscription, write in readers:
            try:
                if not write(data):
                    subscription.fill()
            except Exception as error:  # noqa: BLE001 - one broken sink must not cost the others their events
                subscription.fail(error)
        counters.wrote(len(data), payload.frames, len(readers))
        counters.conflated += payload.conflated * len(readers)
