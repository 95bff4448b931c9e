"""How often one person may do something."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsestage.domain.errors import TooManyRequests
from pulsestage.services import limits
from pulsestage.services.limits import Rate, RateLimits


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def is_allowed(tested: RateLimits, person: str = "ann", action: str = "ask") -> bool:
    try:
        tested.take(action, person)
    except TooManyRequests:
        return False
    return True


@given(st.integers(1, 600), st.integers(1, 50), st.lists(st.floats(0, 20), max_size=60))
def test_never_more_than_the_burst_and_the_rate_together(per_minute: int, burst: int, pauses: list[float]) -> None:
    clock = Clock()
    tested = RateLimits({"ask": Rate(per_minute, burst)}, clock)
    allowed = 0
    for pause in pauses:
        clock.seconds += pause
        allowed += is_allowed(tested)
        assert allowed <= burst + (clock.seconds - 1000) * per_minute / 60 + 1e-3


def test_who_waits_as_long_as_they_are_told_is_let_in() -> None:
    clock = Clock()
    tested = RateLimits({"ask": Rate(per_minute=7, burst=3)}, clock)
    assert [is_allowed(tested) for _ in range(4)] == [True, True, True, False]
    with pytest.raises(TooManyRequests) as refused:
        tested.take("ask", "ann")
    assert refused.value.retry_after_seconds == 9
    clock.seconds += refused.value.retry_after_seconds
    assert is_allowed(tested)


def test_people_and_actions_are_counted_apart() -> None:
    tested = RateLimits({"ask": Rate(1, 1), "vote": Rate(1, 1)}, Clock())
    assert [is_allowed(tested, person, action) for person in ("ann", "ben") for action in ("ask", "vote")] == [True] * 4
    assert not is_allowed(tested)


def test_zero_is_no_limit() -> None:
    tested = RateLimits({"ask": Rate(0, 1)}, Clock())
    assert all(is_allowed(tested) for _ in range(1000))


def test_no_more_people_are_remembered_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_PEOPLE", 3)
    tested = RateLimits({"ask": Rate(1, 1)}, Clock())
    assert all(is_allowed(tested, f"person {number}") for number in range(10))
    assert len(tested._busy_until) == 3
    assert not is_allowed(tested, "person 9")
