"""What is written to many readers, made once: selected once per view, encoded once per content and coding."""

from dataclasses import dataclass
from typing import TypeVar

from pulsestage.realtime.encoding import Coding
from pulsestage.realtime.filter import View
from pulsestage.realtime.window import Batch, Window

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Payload:
    """Bytes to write, and what is counted of them."""

    data: bytes
    frames: int
    """Frames in it, …"""
    conflated: int
    """… those left out because newer ones replace them, …"""
    saved: int
    """… and the bytes that compression saved."""


class Payloads:
    """Payloads of one window. The latest few are remembered, so memory stays bounded however readers are spread.

    >>> from pulsestage.realtime.event import Event
    >>> from pulsestage.realtime.filter import Filter
    >>> window = Window("e1", "t1", after=0, max_events=10, max_bytes=1000)
    >>> window.append(Event(1, "question:removed", 1696765800000, {"public": b"{}"}))
    >>> payloads = Payloads(window)
    >>> first = payloads.get(View(("public",), Filter()), Coding("gzip"), after=0, upto=1)
    >>> first.data is payloads.get(View(("moderators", "public"), Filter()), Coding("gzip"), after=0, upto=1).data
    True
    """

    __slots__ = ("_batches", "_encoded", "_remembered", "_window")

    def __init__(self, window: Window, remembered: int = 16) -> None:
        self._window = window
        self._remembered = remembered
        self._batches: dict[tuple[View, int, int], Batch] = {}
        self._encoded: dict[tuple[Coding, bytes], bytes] = {}

    def get(self, view: View, coding: Coding, *, after: int, upto: int) -> Payload:
        """Events `after + 1` … `upto` of the window, as this view sees them, in this coding."""
        batch = self._batch(view, after, upto)
        data = self._encode(coding, batch.payload)
        # What is saved is never negative: chunks and small payloads may add a few bytes.
        return Payload(data, batch.frames, batch.conflated, max(0, len(batch.payload) - len(data)))

    def _batch(self, view: View, after: int, upto: int) -> Batch:
        key = (view, after, upto)
        batch = self._batches.get(key)
        if batch is None:
            batch = Batch.of(self._window.between(after, upto), view)
            _remember(self._batches, key, batch, self._remembered)
        return batch

    def _encode(self, coding: Coding, payload: bytes) -> bytes:
        key = (coding, payload)
        encoded = self._encoded.get(key)
        if encoded is None:
            encoded = coding.encode(payload)
            _remember(self._encoded, key, encoded, self._remembered)
        return encoded


def _remember(memory: dict[K, V], key: K, value: V, limit: int) -> None:
    """Add a value; the oldest goes."""
    if len(memory) >= limit:
        del memory[next(iter(memory))]
    memory[key] = value
