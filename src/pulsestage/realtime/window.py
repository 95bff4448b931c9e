"""The newest events of one tenant, as the bytes that all its streams share.

Bounded by count and by bytes. Nothing here knows who reads: a reader is a cursor, and what is older than the window is
read from the log.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pulsestage.realtime import frames
from pulsestage.realtime.event import Event
from pulsestage.realtime.filter import View


@dataclass(frozen=True, slots=True)
class Entry:
    """An event and its frames: audience -> bytes."""

    seq: int
    type: str
    topic: str | None
    key: str | None
    frames: dict[str, bytes]
    size: int

    @classmethod
    def of(cls, epoch: str, tenant: str, event: Event) -> "Entry":
        """The event, with its frames encoded."""
        encoded = frames.logged(epoch, tenant, event)
        return cls(event.seq, event.type, event.topic, event.key, encoded, sum(map(len, encoded.values())))


class Window:
    """Entries `floor + 1` … `head`. When there are too many the oldest leave, but none that still has to be sent.

    >>> window = Window("e1", "t1", after=41, max_events=2, max_bytes=1000)
    >>> for seq in (42, 43, 44):
    ...     window.append(Event(seq, "question:removed", 1696765800000, {"public": b"{}"}))
    >>> window.is_over
    True
    >>> window.trim(44)
    >>> window.floor, window.head, [entry.seq for entry in window.between(42, 44)]
    (42, 44, [43, 44])
    """

    __slots__ = ("_ends", "_entries", "_max_bytes", "_max_events", "epoch", "floor", "head", "size", "tenant")

    def __init__(self, epoch: str, tenant: str, *, after: int, max_events: int, max_bytes: int) -> None:
        self.epoch = epoch
        self.tenant = tenant
        self.floor = after
        self.head = after
        self.size = 0
        """Bytes of all frames."""
        self._entries: dict[int, Entry] = {}
        self._ends: dict[int, int] = {}  # where each entry ends, if all were laid behind one another
        self._max_events = max_events
        self._max_bytes = max_bytes

    def __len__(self) -> int:
        return len(self._entries)

    def append(self, event: Event) -> None:
        """Add the event that follows the head."""
        if event.seq != self.head + 1:
            raise ValueError(f"event {event.seq} does not follow {self.head}")
        entry = Entry.of(self.epoch, self.tenant, event)
        self._entries[entry.seq] = entry
        self._ends[entry.seq] = self._ends.get(self.head, 0) + entry.size
        self.head = entry.seq
        self.size += entry.size

    @property
    def is_over(self) -> bool:
        """Whether there is more than there should be."""
        return len(self._entries) > self._max_events or self.size > self._max_bytes

    def trim(self, upto: int) -> None:
        """Let the oldest go, as far as `upto` and as long as there are too many."""
        while self.floor < upto and self.is_over:
            self.floor += 1
            self.size -= self._entries.pop(self.floor).size
            del self._ends[self.floor]

    def extend_back(self, entries: Sequence[Entry]) -> None:
        """Take older entries, as far as they reach down from the floor without a gap and there is room."""
        for entry in reversed(entries):
            if entry.seq == self.floor:
                if len(self._entries) >= self._max_events or self.size + entry.size > self._max_bytes:
                    return
                self._ends[entry.seq] = self._start(entry.seq + 1)
                self._entries[entry.seq] = entry
                self.size += entry.size
                self.floor -= 1

    def between(self, after: int, upto: int) -> list[Entry]:
        """Entries `after + 1` … `upto`, all of which must be in the window."""
        entries = self._entries
        return [entries[seq] for seq in range(after + 1, upto + 1)]

    def batch_end(self, after: int, limit: int, max_bytes: int) -> int:
        """How far a batch from here goes: to `limit`, or to where it would exceed `max_bytes`, but over one event.

        It depends on nothing else, so that readers who continue from the same place share what comes next.
        """
        last_end = self._start(after + 1) + max_bytes
        if self._ends[limit] <= last_end:
            return limit
        return after + max(1, bisect_right(range(after + 1, limit + 1), last_end, key=self._ends.__getitem__))

    def _start(self, seq: int) -> int:
        """Where this entry begins; any number will do for one that is not there yet."""
        entry = self._entries.get(seq)
        return self._ends[seq] - entry.size if entry is not None else 0


@dataclass(frozen=True, slots=True)
class Batch:
    """What one view sees of some entries: the frames' bytes, how many there are, and how many newer ones replaced."""

    payload: bytes
    frames: int
    conflated: int

    @classmethod
    def of(cls, entries: Iterable[Entry], view: View) -> "Batch":
        """Select for the view, then keep only the newest of each key, in the order of the log.

        Whatever is cut off after any frame is complete up to that frame's id, except for keys that a later frame
        of the log sets again.
        """
        passes = view.filter.passes
        variant = view.variant
        kept: dict[str | int, bytes] = {}
        seen = 0
        for entry in entries:
            if passes(entry.type, entry.topic) and (frame := variant(entry.frames)) is not None:
                seen += 1
                if entry.key is None:
                    kept[entry.seq] = frame
                else:
                    kept.pop(entry.key, None)
                    kept[entry.key] = frame
        return cls(b"".join(kept.values()), len(kept), seen - len(kept))


def pages(entries: Sequence[Entry], max_bytes: int) -> Iterator[Sequence[Entry]]:
    """The entries in runs of at most `max_bytes` (but at least one entry) each."""
    start = 0
    size = 0
    for index, entry in enumerate(entries):
        if index > start and size + entry.size > max_bytes:
            yield entries[start:index]
            start, size = index, 0
        size += entry.size
    if start < len(entries):
        yield entries[start:]
