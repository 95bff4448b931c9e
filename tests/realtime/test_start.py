import pytest

from pulsestage.realtime import EXPIRED_POSITION, UNKNOWN_POSITION, LogBounds
from pulsestage.realtime.start import Start, decide_start

BOUNDS = LogBounds("e1", floor=10, head=20)


@pytest.mark.parametrize("snapshot", [True, False])
@pytest.mark.parametrize(
    "last_event_id,cursor,reset,doubtful",
    [
        ("e1.10", 10, None, False),
        ("e1.15", 15, None, False),
        ("e1.20", 20, None, False),
        ("e1.9", 19, EXPIRED_POSITION, False),
        ("e1.21", 19, UNKNOWN_POSITION, True),
        ("e2.15", 19, UNKNOWN_POSITION, True),
        ("e2.0", 19, UNKNOWN_POSITION, True),
        ("nonsense", 19, UNKNOWN_POSITION, False),
        ("e1.15\n", 19, UNKNOWN_POSITION, False),
    ],
)
def test_a_position(last_event_id: str, cursor: int, reset: str | None, doubtful: bool, snapshot: bool) -> None:  # noqa: FBT001
    start = decide_start(last_event_id, BOUNDS, live=19, snapshot=snapshot)
    assert start == Start(cursor, reset, snapshot=snapshot and reset is not None, doubtful=doubtful)


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_position(nothing: str | None) -> None:
    assert decide_start(nothing, BOUNDS, live=19, snapshot=True) == Start(19, snapshot=True)
    assert decide_start(nothing, BOUNDS, live=19, snapshot=False) == Start(19)


def test_who_knows_nothing_gets_a_snapshot_without_a_reset_or_the_whole_log() -> None:
    assert decide_start("e1.0", BOUNDS, live=19, snapshot=True) == Start(19, snapshot=True)
    assert decide_start("e1.0", BOUNDS, live=19, snapshot=False) == Start(19, EXPIRED_POSITION)
    assert decide_start("e1.0", LogBounds("e1", 0, 20), live=19, snapshot=False) == Start(0)
