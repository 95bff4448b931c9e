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
    """Send `reset` if there is a reason to, then a snapshot or what follows seq `cursor`.

    `doubtful`: the position may be of a log that is ahead of these bounds, as when another process wrote it. Look again
    before you believe it; with fresh bounds the answer stands.
    """

    cursor: int
    reset: str | None = None
    snapshot: bool = False
    doubtful: bool = False


def decide_start(last_event_id: str | None, bounds: LogBounds, *, live: int, snapshot: bool) -> Start:
    """How to begin, if `live` is the seq that live streams have reached and `snapshot` says that one was asked for.

    >>> decide_start("e1.40", LogBounds("e1", floor=7, head=42), live=42, snapshot=True)
    Start(cursor=40, reset=None, snapshot=False, doubtful=False)
    >>> decide_start("e1.6", LogBounds("e1", floor=7, head=42), live=42, snapshot=True)
    Start(cursor=42, reset='expired-position', snapshot=True, doubtful=False)
    """
    if not last_event_id:
        return Start(live, snapshot=snapshot)
    try:
        position = Position.parse(last_event_id)
    except InvalidPosition:
        return Start(live, UNKNOWN_POSITION, snapshot)
    if position.epoch != bounds.epoch or position.seq > bounds.head:
        return Start(live, UNKNOWN_POSITION, snapshot, doubtful=True)
    if position.seq == 0 and snapshot:
        return Start(live, snapshot=True)
    if position.seq < bounds.floor:
        return Start(live, EXPIRED_POSITION, snapshot)
    return Start(position.seq)
