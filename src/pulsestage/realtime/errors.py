"""What can go wrong in the engine, and whose fault it is.

    RealtimeError
    ├── InvalidPosition         the text is not a position (the client's, or a store's that makes bad epochs)
    ├── MalformedAnnouncement   these bytes announce nothing (a stranger's, or another version's; relays ignore them)
    ├── HubClosed               nothing can be subscribed any more, or not yet (the caller's order of things)
    ├── EpochChanged            the log is another one than before (nobody's; the engine asks again by itself)
    └── SinkFull                written although the sink had said "no more" (the engine's own mistake)

A store or a snapshot that fails is not in the tree: it ends the streams that needed it, with a `goodbye`, and is
logged.
"""


class RealtimeError(Exception):
    """The root of all that this package raises."""


class InvalidPosition(RealtimeError, ValueError):
    """This text is not a position."""


class MalformedAnnouncement(RealtimeError, ValueError):
    """These bytes are not an announcement, or not of a version that is known here."""


class HubClosed(RealtimeError):
    """The hub takes no subscriptions: it was closed, or never opened."""


class EpochChanged(RealtimeError):
    """The log began a new epoch while it was read."""


class SinkFull(RealtimeError):
    """A payload was written to a sink before it had drained."""
