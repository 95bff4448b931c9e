"""The event engine: Server-Sent Events from a log, to thousands of readers, as a library of its own.

A store holds one log of events per tenant. A hub follows the logs and serves streams; a stream writes to a sink. The
package knows nothing of what the events mean, of databases or of web frameworks: only the standard library and msgspec.

>>> from pulsestage.realtime import Hub, MemoryEventStore, StreamRequest, AsgiSink
>>> async def app(scope, receive, send, hub: Hub) -> None:
...     sink = AsgiSink(receive, send)
...     await hub.subscribe(StreamRequest(tenant="t1", audiences=("public",)), sink)
...     await sink.run([(b"content-type", b"text/event-stream")])
"""

from pulsestage.realtime.asgi import AsgiSink
from pulsestage.realtime.clock import Clock, LoopClock, Timer
from pulsestage.realtime.encoding import EncodingName
from pulsestage.realtime.errors import HubClosed, InvalidPosition, RealtimeError, SinkFull
from pulsestage.realtime.event import EVERY_TOPIC, Event
from pulsestage.realtime.filter import Filter
from pulsestage.realtime.hub import Hub
from pulsestage.realtime.position import Position
from pulsestage.realtime.request import Snapshot, StreamRequest
from pulsestage.realtime.settings import HubSettings
from pulsestage.realtime.sink import Sink
from pulsestage.realtime.start import EXPIRED_POSITION, UNKNOWN_POSITION
from pulsestage.realtime.stats import HubStats
from pulsestage.realtime.store import EventStore, LogBounds, MemoryEventStore
from pulsestage.realtime.subscription import Subscription

__all__ = [
    "EVERY_TOPIC",
    "EXPIRED_POSITION",
    "UNKNOWN_POSITION",
    "AsgiSink",
    "Clock",
    "EncodingName",
    "Event",
    "EventStore",
    "Filter",
    "Hub",
    "HubClosed",
    "HubSettings",
    "HubStats",
    "InvalidPosition",
    "LogBounds",
    "LoopClock",
    "MemoryEventStore",
    "Position",
    "RealtimeError",
    "Sink",
    "SinkFull",
    "Snapshot",
    "StreamRequest",
    "Subscription",
    "Timer",
]
