from hypothesis import given
from hypothesis import strategies as st

from pulsestage.realtime import HubSettings, LogBounds
from pulsestage.realtime.feed import Feed
from tests.realtime.support import event

START_AT = 5


def make_feed(parked_events: int = 100) -> Feed:
    return Feed("t1", LogBounds("e1", 2, START_AT), HubSettings(parked_events=parked_events))


@given(
    announced=st.lists(st.lists(st.integers(1, 20), max_size=4), max_size=30),
    parked_events=st.integers(0, 6),
)
def test_any_announcements_become_the_log(announced: list[list[int]], parked_events: int) -> None:
    feed = make_feed(parked_events)
    known = set(range(1, START_AT + 1))
    joined = 0
    for seqs in announced:
        joined += feed.offer([event(seq) for seq in seqs])
        known.update(seqs)
        seqs_in_window = [entry.seq for entry in feed.window.between(START_AT, feed.head)]
        assert seqs_in_window == list(range(START_AT + 1, feed.head + 1))  # in order, without gaps, each once
        assert known.issuperset(seqs_in_window)
        assert feed.has_gap == (max(known) > feed.head)
        assert feed.heard == max(known)
        assert len(feed._parked) <= parked_events
        assert all(seq > feed.head for seq in feed._parked)
    assert joined == feed.head - START_AT
    feed.offer([event(seq) for seq in range(1, 21)])  # what the log would say
    assert feed.head == 20
    assert not feed.has_gap
    assert not feed._parked


def test_early_events_come_out_together() -> None:
    feed = make_feed()
    assert feed.offer([event(8), event(7)]) == 0
    assert feed.offer([event(6)]) == 3


def test_an_announcement_that_found_no_room_is_still_known_of() -> None:
    feed = make_feed(parked_events=1)
    feed.offer([event(7), event(9)])
    feed.offer([event(6)])
    assert (feed.head, feed.heard, feed.has_gap) == (7, 9, True)


def test_hearing_of_an_event_makes_a_gap_that_can_be_forgotten() -> None:
    feed = make_feed()
    feed.hear(9)
    feed.hear(8)
    assert (feed.heard, feed.has_gap) == (9, True)
    feed.forget_gap()
    assert (feed.heard, feed.has_gap) == (5, False)


def test_a_floor_only_rises() -> None:
    feed = make_feed()
    feed.learn_floor(4)
    feed.learn_floor(3)
    assert feed.floor == 4
