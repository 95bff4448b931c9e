"""Work in slices."""

from collections.abc import Callable

import pytest

from pulsestage.realtime.turns import Turns
from tests.realtime.support import ManualClock


async def test_each_gets_a_slice_in_turn_and_newcomers_theirs_at_once() -> None:
    clock, done = ManualClock(), []
    turns = Turns(clock, limit=3)

    def work(name: str, size: int) -> Callable[[int], bool]:
        left = size

        def part(limit: int) -> bool:
            nonlocal left
            left -= min(limit, left)
            done.append(name)
            return left > 0

        return part

    turns.begin(work("a", 9))
    turns.begin(work("b", 6))
    turns.begin(work("c", 3))
    assert done == ["a", "b", "c"]
    await clock.advance(0)
    assert done == ["a", "b", "c", "a", "b", "a"]


async def test_work_may_begin_other_work() -> None:
    clock, done = ManualClock(), []
    turns = Turns(clock, limit=1)

    def inner(_limit: int) -> bool:
        done.append("inner")
        return done.count("inner") < 3

    def outer(_limit: int) -> bool:
        done.append("outer")
        if done.count("outer") == 2:
            turns.begin(inner)
        return done.count("outer") < 3

    turns.begin(outer)
    await clock.advance(0)
    assert done == ["outer", "outer", "inner", "inner", "outer", "inner"]


async def test_work_that_raises_takes_nobodys_turn(caplog: pytest.LogCaptureFixture) -> None:
    clock, done = ManualClock(), []
    turns = Turns(clock, limit=1)

    def bad(_limit: int) -> bool:
        done.append("bad")
        if done.count("bad") == 2:
            raise RuntimeError("broken")
        return True

    def good(_limit: int) -> bool:
        done.append("good")
        return done.count("good") < 3

    turns.begin(bad)
    turns.begin(good)
    await clock.advance(0)
    assert done == ["bad", "good", "bad", "good", "good"]
    assert len(caplog.records) == 1
