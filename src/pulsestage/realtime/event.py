"""What the log holds: one change, already encoded for everybody who may see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

EVERY_TOPIC: Final = "*"
"""The topic of an event that concerns all topics: it passes every topic filter."""


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a tenant's log.

    seq        its number, counting from 1 without gaps
    type       what happened, `question:upvoted`
    timestamp  when, in ms since the Unix epoch
    variants   audience -> the JSON of `data` as that audience may see it. A subscription gets the first variant that
               its audiences name; if none does, the event is not for it.
    topic      what topic filters select by. None passes no topic filter, EVERY_TOPIC passes each.
    key        events of one key overwrite each other (`upvotes:<question>`): when several are sent together, only the
               newest is. Their data must therefore be absolute, never a difference.

    >>> event = Event(7, "question:upvoted", 1696765800000, {"public": b'{"upvotes":15}'}, key="upvotes:q1")
    >>> event.size
    14
    """

    seq: int
    type: str
    timestamp: int
    variants: Mapping[str, bytes]
    topic: str | None = None
    key: str | None = None

    @property
    def size(self) -> int:
        """Bytes of `data` in all variants."""
        return sum(map(len, self.variants.values()))
