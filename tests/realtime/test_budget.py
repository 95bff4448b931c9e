import asyncio

import pytest

from pulsestage.realtime.budget import ByteBudget


async def tick() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_room_is_lent_in_the_order_of_asking() -> None:
    budget = ByteBudget(10)
    assert await budget.borrow(6) == 6
    large = asyncio.ensure_future(budget.borrow(8))
    small = asyncio.ensure_future(budget.borrow(1))
    await tick()
    assert not large.done()
    assert not small.done()  # it would fit, and would keep the large one waiting for ever
    budget.give_back(6)
    assert (await large, await small) == (8, 1)


async def test_what_is_larger_than_all_has_all_for_itself() -> None:
    budget = ByteBudget(10)
    assert await budget.borrow(25) == 10
    waiting = asyncio.ensure_future(budget.borrow(1))
    await tick()
    assert not waiting.done()
    budget.give_back(10)
    assert await waiting == 1


@pytest.mark.parametrize("late", [False, True])
async def test_who_stops_waiting_takes_nothing_along(late: bool) -> None:  # noqa: FBT001 - the parameter of a test
    budget = ByteBudget(10)
    await budget.borrow(10)
    first, second = (asyncio.ensure_future(budget.borrow(10)) for _ in range(2))
    await tick()
    if late:
        budget.give_back(10)  # the first has its turn, and is cancelled before it knows
    first.cancel()
    await tick()
    if not late:
        budget.give_back(10)
    assert await second == 10
