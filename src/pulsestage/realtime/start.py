"""Where a stream begins, given what the client says it knows. A pure decision."""

from dataclasses import dataclass
from typing import Final

from pulsestage.realtime.errors import InvalidPosition
from pulsestage.realtime.position import Position
from pulsestage.realtime.store import LogBounds

UNKNOWN_POSITION: Final = "unknown-position"
EXPIRED_POSITION: Final = "expired-position"


@dataclass(frozen=True, slots=True)
class Start:
    """Send `connected`, `reset` if there is a reason to, then a snapshot or what follows seq `cursor`.

    `position` is where the client's state is at that moment, and the id of `connected`. Should the connection break
    right after it, the client comes back with it and is told the same again: a lost `reset` is repeated.

    `doubtful`: the client's position may be of a log that is ahead of these bounds, as when another process wrote it.
    Look again before you believe it; with fresh bounds the answer stands.
    """

    position: Position
    cursor: int
    reset: str | None = None
    snapshot: bool = False
    doubtful: bool = False


def decide_start(last_event_id: str | None, bounds: LogBounds, *, live: int, snapshot: bool) -> Start:
    """How to begin, if `live` is the seq that live streams have reached and `snapshot` says that one was asked for.

    >>> bounds = LogBounds("e1", floor=7, head=42)
    >>> decide_start("e1.40", bounds, live=42, snapshot=True)
    Start(position=Position(epoch='e1', seq=40), cursor=40, reset=None, snapshot=False, doubtful=False)
    >>> decide_start("e1.6", bounds, live=42, snapshot=True)
    Start(position=Position(epoch='e1', seq=0), cursor=42, reset='expired-position', snapshot=True, doubtful=False)
    """
    nothing = Position(bounds.epoch, 0)
    # Not every server takes the white space around a field's value away (RFC 9110, section 5.5).
    if not (last_event_id := (last_event_id or "").strip(" \t")):
        return Start(nothing if snapshot else Position(bounds.epoch, live), live, snapshot=snapshot)
    try:
        position = Position.parse(last_event_id)
    except InvalidPosition:
        return Start(nothing, live, UNKNOWN_POSITION, snapshot)
    if position == nothing and snapshot:
        return Start(nothing, live, snapshot=True)
    state = nothing if snapshot else position
    if position.epoch != bounds.epoch or position.seq > bounds.head:
        return Start(state, live, UNKNOWN_POSITION, snapshot, doubtful=True)
    if position.seq < bounds.floor:
        return Start(state, live, EXPIRED_POSITION, snapshot)
    return Start(position, position.seq)
