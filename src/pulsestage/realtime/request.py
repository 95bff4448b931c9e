"""What a client asks of a stream, decided and checked by whoever serves it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulsestage.realtime.encoding import Coding, EncodingName
from pulsestage.realtime.filter import Filter, View
from pulsestage.realtime.position import Position

Snapshot = Callable[[], Awaitable[tuple[Position, bytes]]]
"""Makes a snapshot: the position that it shows, read in one transaction with it, and its JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRequest:
    """One stream.

    tenant         the tenant's id
    audiences      what the client may see, the most privileged first; nothing if empty
    filter         what it wants to see
    last_event_id  the position to resume from, as the client sent it: any text
    snapshot       makes the snapshot to begin with; None if none was asked for
    encoding       of the bytes written to the sink, …
    chunked        … and whether each write is a chunk of HTTP/1.1; `respond` knows, by the connection
    greeting       more members for the `connected` event, such as `tenantSlug`; the engine adds `heartbeatSeconds`
    holders        whose stream it is, in words of the application's own: `Hub.held_by` counts by them

    >>> StreamRequest(tenant="t1", audiences=("moderators", "public")).view.audiences
    ('moderators', 'public')
    """

    tenant: str
    audiences: tuple[str, ...]
    filter: Filter = field(default_factory=Filter)
    last_event_id: str | None = None
    snapshot: Snapshot | None = None
    encoding: EncodingName = "identity"
    chunked: bool = False
    greeting: Mapping[str, Any] = field(default_factory=dict)
    holders: tuple[str, ...] = ()

    @property
    def view(self) -> View:
        """What all requests that see the same have in common."""
        return View(self.audiences, self.filter)

    @property
    def coding(self) -> Coding:
        """How what is written to the sink is coded."""
        return Coding(self.encoding, self.chunked)
