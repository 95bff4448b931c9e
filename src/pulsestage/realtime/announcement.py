"""What processes tell one another about a log, and its form as bytes. Nothing is sent here.

The form is JSON in UTF-8: it fits wherever text does, and can be read by eye. It has a version. Members may be added
without a new one; who doesn't know them ignores them.
"""

from dataclasses import dataclass
from typing import Final, Literal, Self

import msgspec

from pulsestage.realtime.errors import MalformedAnnouncement
from pulsestage.realtime.event import Event
from pulsestage.realtime.position import Position

VERSION: Final = 1


class _Event(msgspec.Struct, omit_defaults=True):
    """An event on its way. What is JSON already stays what it is, byte for byte (but for white space around it)."""

    seq: int
    type: str
    timestamp: int
    variants: dict[str, msgspec.Raw]
    topic: str | None = None
    key: str | None = None


class _Message(msgspec.Struct, omit_defaults=True):
    v: Literal[1]
    tenant: str
    epoch: str
    head: int
    events: list[_Event] = []


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Message).decode


@dataclass(frozen=True, slots=True)
class Announcement:
    """The tenant's log reaches up to `head` now.

    `events` are the last ones up to it, all that one commit appended, or none: they were too many to be carried, or
    are not worth it. Who hears of a head without its events looks into the log. Raises InvalidPosition and ValueError.

    >>> event = Event(7, "question:removed", 1696765800000, {"public": b'{"id":"q1"}'})
    >>> Announcement("t1", "7f3a", 7, (event,)).head
    7
    >>> Announcement("t1", "7f3a", 8, (event,))
    Traceback (most recent call last):
    ...
    ValueError: these are not the events up to 8
    """

    tenant: str
    epoch: str
    head: int
    events: tuple[Event, ...] = ()

    def __post_init__(self) -> None:
        Position(self.epoch, self.head)  # raises InvalidPosition
        first = self.head - len(self.events) + 1
        if first < 1 or any(event.seq != seq for seq, event in enumerate(self.events, first)):
            raise ValueError(f"these are not the events up to {self.head}")

    def encode(self, limit: int | None = None) -> bytes:
        """As bytes: with its events if that takes no more than `limit` bytes, else without them.

        Without events it takes about 50 bytes beside the names of tenant and epoch. Raises ValueError if a text is none
        that UTF-8 can say.

        >>> Announcement("t1", "7f3a", 7).encode()
        b'{"v":1,"tenant":"t1","epoch":"7f3a","head":7}'
        >>> event = Event(7, "question:removed", 1696765800000, {"public": b'{"id":"q1"}'})
        >>> len(Announcement("t1", "7f3a", 7, (event,)).encode())
        152
        >>> Announcement("t1", "7f3a", 7, (event,)).encode(limit=100)
        b'{"v":1,"tenant":"t1","epoch":"7f3a","head":7}'
        """
        message = _Message(VERSION, self.tenant, self.epoch, self.head)
        # Data alone may be too much: then nothing needs to be made in order to be thrown away.
        if self.events and (limit is None or sum(event.size for event in self.events) < limit):
            whole = _encode(msgspec.structs.replace(message, events=list(map(_outgoing, self.events))))
            if limit is None or len(whole) <= limit:
                return whole
        return _encode(message)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """What was encoded as these bytes. Raises MalformedAnnouncement, whatever they are.

        >>> Announcement.decode(b'{"v":1,"tenant":"t1","epoch":"7f3a","head":7}')
        Announcement(tenant='t1', epoch='7f3a', head=7, events=())
        >>> Announcement.decode(b'{"v":2}')
        Traceback (most recent call last):
        ...
        pulsestage.realtime.errors.MalformedAnnouncement: Invalid enum value 2 - at `$.v`
        """
        try:
            data.decode()  # what is kept as it is would not be looked at otherwise
            message = _decode(data)
            return cls(message.tenant, message.epoch, message.head, tuple(map(_incoming, message.events)))
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise MalformedAnnouncement(str(error)) from error


def _outgoing(event: Event) -> _Event:
    variants = {audience: msgspec.Raw(data) for audience, data in event.variants.items()}
    return _Event(event.seq, event.type, event.timestamp, variants, event.topic, event.key)


def _incoming(event: _Event) -> Event:
    variants = {audience: bytes(data) for audience, data in event.variants.items()}
    return Event(event.seq, event.type, event.timestamp, variants, event.topic, event.key)
