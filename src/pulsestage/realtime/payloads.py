"""What is written to many readers, made once: selected once per view, compressed once per encoding."""

from dataclasses import dataclass
from typing import TypeVar

from pulsestage.realtime.encoding import ENCODINGS, EncodingName
from pulsestage.realtime.filter import View
from pulsestage.realtime.window import Batch, Window

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Payload:
    """Bytes to write, and what is in them."""

    data: bytes
    frames: int
    conflated: int


class Payloads:
    """Payloads of one window. The latest few are remembered, so memory stays bounded however readers are spread.

    >>> from pulsestage.realtime.event import Event
    >>> from pulsestage.realtime.filter import Filter
    >>> window = Window("e1", "t1", after=0, max_events=10, max_bytes=1000)
    >>> window.append(Event(1, "question:removed", 1696765800000, {"public": b"{}"}))
    >>> payloads = Payloads(window)
    >>> first = payloads.get(View(("public",), Filter()), "gzip", after=0, upto=1)
    >>> first is payloads.get(View(("public",), Filter()), "gzip", after=0, upto=1)
    True
    """

    __slots__ = ("_batches", "_payloads", "_remembered", "_window")

    def __init__(self, window: Window, remembered: int = 16) -> None:
        self._window = window
        self._remembered = remembered
        self._batches: dict[tuple[View, int, int], Batch] = {}
        self._payloads: dict[tuple[View, EncodingName, int, int], Payload] = {}

    def get(self, view: View, encoding: EncodingName, *, after: int, upto: int) -> Payload:
        """Events `after + 1` … `upto` of the window, as this view sees them, in this encoding."""
        key = (view, encoding, after, upto)
        payload = self._payloads.get(key)
        if payload is None:
            batch = self._batch(view, after, upto)
            data = ENCODINGS[encoding].encode(batch.payload) if batch.frames else b""
            payload = _remember(self._payloads, key, Payload(data, batch.frames, batch.conflated), self._remembered)
        return payload

    def _batch(self, view: View, after: int, upto: int) -> Batch:
        key = (view, after, upto)
        batch = self._batches.get(key)
        if batch is None:
            batch = Batch.of(self._window.between(after, upto), view)
            _remember(self._batches, key, batch, self._remembered)
        return batch


def _remember(memory: dict[K, V], key: K, value: V, limit: int) -> V:
    """Add a value; the oldest goes."""
    if len(memory) >= limit:
        del memory[next(iter(memory))]
    memory[key] = value
    return value
