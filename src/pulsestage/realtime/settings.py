"""The engine's limits and rhythms."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """All of them have defaults that suit one process with some thousand streams.

    >>> HubSettings(flush_seconds=0.02).page_size
    500
    """

    flush_seconds: float = 0.015
    """How long events are gathered when one was sent less than this ago, …"""
    longest_flush_seconds: float = 0.25
    """… or as long as writing the last ones took, so that at least half of the time is for others; but no longer."""
    slice_writes: int = 128
    """Streams that are written to before it is another tenant's turn."""
    batch_bytes: int = 128 * 1024
    """The largest payload of events (one event alone may be larger): what a stream adds to its sink's buffer."""
    window_events: int = 2000
    """Newest events kept per tenant …"""
    window_bytes: int = 4 * 1024 * 1024
    """… and their bytes."""
    parked_events: int = 1000
    """Events kept that came before their turn; those beyond are read from the log."""
    gap_seconds: float = 0.1
    """How long a missing event is waited for before the log is asked."""
    page_size: int = 500
    """Events per read of the log."""
    catch_up_concurrency: int = 8
    """Pages that are read and written at the same time, all tenants together."""
    snapshot_concurrency: int = 4
    """Snapshots that are made at the same time."""
    snapshot_bytes: int = 64 * 1024 * 1024
    """Snapshots that sinks have accepted and not sent yet, all streams together; further ones wait."""
    stall_seconds: float = 30.0
    """A stream that takes nothing for this long is closed; one that takes little is not. Seen to twice the time."""
    farewell_seconds: float = 0.5
    """Over how long goodbyes are spread when the hub closes."""
    linger_seconds: float = 1.0
    """How long a closed stream's last bytes may take to leave."""
    heartbeat_seconds: float = 30.0
    """Between two heartbeats of one stream."""
    heartbeat_slots: int = 30
    """Into how many parts a round of heartbeats is spread."""
    safety_seconds: float = 5.0
    """Between two looks at the log's heads, in case an announcement was lost, …"""
    unheard_safety_seconds: float = 0.5
    """… and while the relay can't bring any."""
    retry_milliseconds: tuple[int, int] = (1000, 4000)
    """Clients are told to come back after a random time in this range."""
