import pytest

from pulsestage.realtime import EXPIRED_POSITION, UNKNOWN_POSITION, LogBounds, Position
from pulsestage.realtime.start import Start, decide_start

BOUNDS = LogBounds("e1", floor=10, head=20)


NOTHING = Position("e1", 0)


@pytest.mark.parametrize("snapshot", [True, False])
@pytest.mark.parametrize("seq", [10, 15, 20])
def test_a_good_position_is_resumed_without_a_snapshot(seq: int, snapshot: bool) -> None:  # noqa: FBT001
    for written in (f"e1.{seq}", f"\t e1.{seq}  \t"):
        start = decide_start(written, BOUNDS, live=19, snapshot=snapshot)
        assert start == Start(Position("e1", seq), seq)


@pytest.mark.parametrize(
    "last_event_id,reason,doubtful",
    [
        ("e1.9", EXPIRED_POSITION, False),
        ("e1.21", UNKNOWN_POSITION, True),
        ("e2.15", UNKNOWN_POSITION, True),
        ("e2.0", UNKNOWN_POSITION, True),
        ("nonsense", UNKNOWN_POSITION, False),
        ("e1.15\n", UNKNOWN_POSITION, False),
    ],
)
def test_a_bad_position_is_reset(last_event_id: str, reason: str, doubtful: bool) -> None:  # noqa: FBT001
    start = decide_start(last_event_id, BOUNDS, live=19, snapshot=True)
    assert start == Start(NOTHING, 19, reason, snapshot=True, doubtful=doubtful)
    start = decide_start(last_event_id, BOUNDS, live=19, snapshot=False)
    assert start == Start(start.position, 19, reason, doubtful=doubtful)
    again = decide_start(str(start.position), BOUNDS, live=19, snapshot=False)
    assert again.reset is not None, "had the reset been lost, it would never come again"


@pytest.mark.parametrize("nothing", [None, "", " \t"])
def test_no_position(nothing: str | None) -> None:
    assert decide_start(nothing, BOUNDS, live=19, snapshot=True) == Start(NOTHING, 19, snapshot=True)
    assert decide_start(nothing, BOUNDS, live=19, snapshot=False) == Start(Position("e1", 19), 19)


def test_who_knows_nothing_gets_a_snapshot_without_a_reset_or_the_whole_log() -> None:
    assert decide_start("e1.0", BOUNDS, live=19, snapshot=True) == Start(NOTHING, 19, snapshot=True)
    assert decide_start("e1.0", BOUNDS, live=19, snapshot=False) == Start(NOTHING, 19, EXPIRED_POSITION)
    assert decide_start("e1.0", LogBounds("e1", 0, 20), live=19, snapshot=False) == Start(NOTHING, 0)
