"""The event engine: Server-Sent Events from a log, to thousands of readers, as a library of its own.

A store holds one log of events per tenant. A hub follows the logs and serves streams; a stream writes to a sink. The
package knows nothing of what the events mean, of databases or of web frameworks: only the standard library and msgspec.

>>> from pulsestage.realtime import Hub, StreamRequest, respond
>>> async def app(scope, receive, send, hub: Hub) -> None:
...     request = StreamRequest(tenant="t1", audiences=("public",))
...     await respond(scope, receive, send, hub=hub, request=request)
"""

from pulsestage.realtime.announcement import Announcement
from pulsestage.realtime.asgi import AsgiSink
from pulsestage.realtime.body import stream_body
from pulsestage.realtime.clock import Clock, LoopClock, Timer
from pulsestage.realtime.encoding import EncodingName
from pulsestage.realtime.errors import HubClosed, InvalidPosition, MalformedAnnouncement, RealtimeError, SinkFull
from pulsestage.realtime.event import EVERY_TOPIC, Event
from pulsestage.realtime.filter import Filter
from pulsestage.realtime.hub import Hub
from pulsestage.realtime.iterator_sink import IteratorSink
from pulsestage.realtime.negotiation import accepted_encodings, negotiate_encoding
from pulsestage.realtime.position import Position
from pulsestage.realtime.relay import MemoryBus, MemoryRelay, Receiver, Relay, RelayStats
from pulsestage.realtime.request import Snapshot, StreamRequest
from pulsestage.realtime.response import HAND_OFF, HandOff, respond
from pulsestage.realtime.settings import HubSettings
from pulsestage.realtime.signals import close_on_signals
from pulsestage.realtime.sink import Sink
from pulsestage.realtime.socket_sink import SocketSink
from pulsestage.realtime.start import EXPIRED_POSITION, UNKNOWN_POSITION
from pulsestage.realtime.stats import Histogram, HubStats
from pulsestage.realtime.store import EventStore, LogBounds, MemoryEventStore
from pulsestage.realtime.subscription import Subscription

__all__ = [
    "EVERY_TOPIC",
    "EXPIRED_POSITION",
    "HAND_OFF",
    "UNKNOWN_POSITION",
    "Announcement",
    "AsgiSink",
    "Clock",
    "EncodingName",
    "Event",
    "EventStore",
    "Filter",
    "HandOff",
    "Histogram",
    "Hub",
    "HubClosed",
    "HubSettings",
    "HubStats",
    "InvalidPosition",
    "IteratorSink",
    "LogBounds",
    "LoopClock",
    "MalformedAnnouncement",
    "MemoryBus",
    "MemoryEventStore",
    "MemoryRelay",
    "Position",
    "RealtimeError",
    "Receiver",
    "Relay",
    "RelayStats",
    "Sink",
    "SinkFull",
    "Snapshot",
    "SocketSink",
    "StreamRequest",
    "Subscription",
    "Timer",
    "accepted_encodings",
    "close_on_signals",
    "negotiate_encoding",
    "respond",
    "stream_body",
]
