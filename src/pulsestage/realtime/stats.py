"""What the engine counts. Plain numbers; how they are published is somebody else's business."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from pulsestage.realtime.relay import RelayStats


class Histogram:
    """How often a value fell between two bounds. The last bucket has no upper bound.

    >>> histogram = Histogram((0.1, 1.0))
    >>> histogram.observe(0.1)
    >>> histogram.observe(5, times=2)
    >>> histogram.counts, histogram.total
    ([1, 0, 2], 10.1)
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Count a value, so many times."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times

    def copy(self) -> "Histogram":
        """As it is now."""
        copied = Histogram(self.bounds)
        copied.counts, copied.total = list(self.counts), self.total
        return copied


LATENCY_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Seconds. A phone's second is the promise; a process at rest takes less than one millisecond."""


@dataclass(slots=True)
class Counters:
    """Totals since the hub was made."""

    joins: int = 0
    """Streams that began."""
    events_in: int = 0
    """Events that joined a window."""
    frames_out: int = 0
    bytes_out: int = 0
    writes: int = 0
    conflated: int = 0
    """Frames that were not sent because a newer one of the same key was, all readers together."""
    saved: int = 0
    """Bytes that were not sent because they were compressed."""
    catch_ups: int = 0
    """Times a stream had to read the log."""
    gap_repairs: int = 0
    """Times the log was read because an announcement was missing."""
    heartbeats: int = 0
    stalls: int = 0
    """Streams closed because they took nothing for too long."""
    resets: Counter[str] = field(default_factory=Counter)
    """By reason."""
    closes: Counter[str] = field(default_factory=Counter)
    """By reason; `client-gone` when it was not the hub's doing."""
    latency: Histogram = field(default_factory=lambda: Histogram(LATENCY_BOUNDS))
    """Seconds from a payload's oldest event reaching the hub to the payload being written, once per live stream."""
    heartbeat_lag: float = 0.0
    """Seconds by which the latest heartbeats came too late: how busy the event loop is."""

    def wrote(self, size: int, frames: int, readers: int = 1) -> None:
        """So many readers were each given so many bytes and frames, in one write."""
        self.writes += readers
        self.frames_out += frames * readers
        self.bytes_out += size * readers

    def totals(self) -> dict[str, Any]:
        """All of them as they are now, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            **values,
            "resets": dict(self.resets),
            "closes": dict(self.closes),
            "latency": self.latency.copy(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class HubStats:
    """Counters and gauges at one moment; see Counters for the totals."""

    connections: Mapping[str, int]
    """Streams now, per tenant that has any."""
    slow: int
    """Streams whose sink is full now."""
    window_events: int
    """Events held in memory now, all tenants together, …"""
    window_bytes: int
    """… and their bytes."""
    joins: int
    events_in: int
    frames_out: int
    bytes_out: int
    writes: int
    conflated: int
    saved: int
    catch_ups: int
    gap_repairs: int
    heartbeats: int
    stalls: int
    resets: Mapping[str, int]
    closes: Mapping[str, int]
    latency: Histogram
    heartbeat_lag: float
    relay: RelayStats
    """Of the hub's relay; zeros if it has none."""
    relay_healthy: bool
    """Whether what others append is heard at once, as far as is known. True without a relay: there are no others."""
