import asyncio
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pulsestage.realtime.wheel import Patience, Wheel


@given(slots=st.integers(1, 10), items=st.integers(0, 50), turned=st.integers(0, 20))
def test_each_item_once_in_a_round_wherever_it_begins(slots: int, items: int, turned: int) -> None:
    wheel: Wheel[int] = Wheel(slots)
    for item in range(items):
        wheel.add(item)
    for _ in range(turned):
        wheel.turn()
    turns = [wheel.turn() for _ in range(slots)]
    assert Counter(item for turn in turns for item in turn) == Counter(range(items))
    assert max(map(len, turns)) - min(map(len, turns)) <= 1


def test_who_left_has_no_turn() -> None:
    wheel: Wheel[str] = Wheel(2)
    slot = wheel.add("a")
    wheel.discard("a", slot)
    wheel.discard("a", slot)
    assert wheel.turn() + wheel.turn() == []


def test_patience_runs_out_in_the_order_it_began() -> None:
    patience: Patience[str] = Patience()
    for now, item in enumerate(["a", "b", "c", "a"]):
        patience.begin(item, now)
    assert list(patience.began_by(0.5)) == []
    assert list(patience.began_by(2)) == ["b", "c"]
    patience.end("b")
    patience.end("nobody")
    assert list(patience) == ["c", "a"]


def test_ending_while_iterating() -> None:
    patience: Patience[int] = Patience()
    for item in range(3):
        patience.begin(item, 0)
    for item in patience.began_by(1):
        patience.end(item)
    assert not len(patience)


async def test_emptied() -> None:
    patience: Patience[str] = Patience()
    await patience.emptied()
    patience.begin("a", 0)
    waiting = asyncio.ensure_future(patience.emptied())
    await asyncio.sleep(0)
    assert not waiting.done()
    patience.end("a")
    await waiting
