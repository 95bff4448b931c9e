"""What the engine counts. Plain numbers; how they are published is somebody else's business."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(slots=True)
class Counters:
    """Totals since the hub was made."""

    events_in: int = 0
    """Events that joined a window."""
    frames_out: int = 0
    bytes_out: int = 0
    writes: int = 0
    conflated: int = 0
    """Frames that were not sent because a newer one of the same key was, all readers together."""
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

    def wrote(self, size: int, frames: int, readers: int = 1) -> None:
        """So many readers were each given so many bytes and frames, in one write."""
        self.writes += readers
        self.frames_out += frames * readers
        self.bytes_out += size * readers

    def totals(self) -> dict[str, Any]:
        """All of them as they are now, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**values, "resets": dict(self.resets), "closes": dict(self.closes)}


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
    events_in: int
    frames_out: int
    bytes_out: int
    writes: int
    conflated: int
    catch_ups: int
    gap_repairs: int
    heartbeats: int
    stalls: int
    resets: Mapping[str, int]
    closes: Mapping[str, int]
