"""Who else serves the database: who is counted, who is forgotten, and what is stated."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec
import pytest

from pulsestage.domain.errors import Unavailable
from pulsestage.services.census import DEAD_READINGS, SILENT_READINGS, Census
from pulsestage.services.ports import Facts


class MemoryRoll:
    """A roll that all instances of a test share, with a clock of its own."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[int, Facts]] = {}
        self.time: int | None = None
        self.away = False
        self.asked = 0

    async def sign(self, instance_id: str, facts: Facts) -> None:
        self.asked += 1
        if self.away:
            raise Unavailable("The database can't be reached.")
        self.rows[instance_id] = (self.rows.get(instance_id, (0, facts))[0] + 1, facts)

    async def read(self) -> Mapping[str, tuple[int, Facts]]:
        return dict(self.rows)

    async def strike(self, instance_ids: Collection[str]) -> None:
        if self.away:
            raise Unavailable("The database can't be reached.")
        for instance_id in instance_ids:
            self.rows.pop(instance_id, None)

    async def now(self) -> int | None:
        return self.time


@pytest.fixture
def roll() -> MemoryRoll:
    return MemoryRoll()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what runs in the background has no event for it
            await asyncio.sleep(0.001)


def member(roll: MemoryRoll, name: str, clock: int = 1000, **others: Any) -> Census:
    return Census(lambda: clock, roll, instance_id=name, key=b"key", **others)


async def test_a_lone_process_replaces_what_a_killed_one_has_left(roll: MemoryRoll) -> None:
    await roll.sign("killed", Facts(address="http://127.0.0.1:1"))
    census = member(roll, "a", about=Facts(address="http://127.0.0.1:2"), only_process=True)
    await census.count()
    assert {name: facts.address for name, (_, facts) in (await roll.read()).items()} == {"a": "http://127.0.0.1:2"}
    assert (census.alone, census.instances) == (True, 1)
    running = asyncio.ensure_future(census.run())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await roll.read() == {}


async def test_without_a_roll_one_is_alone() -> None:
    census = Census(lambda: 7)
    await census.count()
    await census.run()
    assert (census.alone, census.instances, census.disagreeing, census.streams("t1"), census.now()) == (
        True,
        1,
        0,
        0,
        7,
    )


async def test_streams_and_holders_of_the_others_are_added_up(roll: MemoryRoll) -> None:
    one, *others = (
        member(roll, name, streams=lambda: {"t1": 10, "t2": 1}, holders=lambda: {"10.0.0.1": 7}) for name in "abc"
    )
    for census in (*others, one):
        await census.count()
    assert (one.alone, one.instances) == (False, 3)
    assert (one.streams("t1"), one.streams("t2"), one.streams("t3")) == (20, 2, 0)
    assert (one.held_by("10.0.0.1"), one.held_by("10.0.0.2")) == (14, 0)


async def test_the_roll_names_nobody(roll: MemoryRoll) -> None:
    await member(roll, "a", holders=lambda: {"10.0.0.1": 7, "ann": 8}).count()
    assert "10.0.0.1" not in str(roll.rows)
    assert "ann" not in str(roll.rows)


async def test_who_signs_no_more_is_not_counted_and_then_forgotten(roll: MemoryRoll) -> None:
    one, other = member(roll, "a"), member(roll, "b", streams=lambda: {"t1": 5})
    await other.count()
    await one.count()
    for _ in range(SILENT_READINGS - 1):
        await one.count()
        assert (one.alone, one.streams("t1")) == (False, 5)
    await one.count()
    assert (one.alone, one.streams("t1"), set(roll.rows)) == (True, 0, {"a", "b"})
    for _ in range(DEAD_READINGS):
        await one.count()
    assert set(roll.rows) == {"a"}


async def test_who_was_only_frozen_is_counted_again(roll: MemoryRoll) -> None:
    one, other = member(roll, "a"), member(roll, "b")
    await other.count()
    for _ in range(SILENT_READINGS + DEAD_READINGS):
        await one.count()
    assert one.alone
    await other.count()
    await one.count()
    assert not one.alone


async def test_an_outage_of_the_database_makes_nobody_silent(roll: MemoryRoll) -> None:
    one, other = member(roll, "a"), member(roll, "b")
    await other.count()
    await one.count()
    roll.away = True
    for _ in range(DEAD_READINGS):
        with pytest.raises(Unavailable):
            await one.count()
    roll.away = False
    await one.count()
    assert not one.alone


async def test_running_counts_and_leaves_the_roll(roll: MemoryRoll, caplog: pytest.LogCaptureFixture) -> None:
    one, other = member(roll, "a", seconds=0.001), member(roll, "b")
    running = asyncio.create_task(one.run())
    await other.count()
    await until(lambda: not one.alone)
    roll.away = True
    await until(lambda: bool(caplog.messages))
    roll.away = False
    await other.count()
    beat = roll.rows["a"][0]
    await until(lambda: roll.rows["a"][0] > beat)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert set(roll.rows) == {"b"}
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


async def test_each_outage_is_said_once(roll: MemoryRoll, caplog: pytest.LogCaptureFixture) -> None:
    census = member(roll, "a", seconds=0.001)
    running = asyncio.create_task(census.run())
    for outage in (1, 2):
        roll.away, asked = True, roll.asked
        await until(lambda asked=asked: roll.asked > asked + 3)  # type: ignore[misc]
        assert len(caplog.messages) == outage
        roll.away, beat = False, roll.rows.get("a", (0, None))[0]
        await until(lambda beat=beat: roll.rows.get("a", (0, None))[0] > beat)  # type: ignore[misc]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_the_limits_are_those_that_the_documents_give() -> None:
    assert (SILENT_READINGS, DEAD_READINGS, Census(lambda: 0)._seconds) == (4, 20, 3.0)


async def test_an_outage_does_not_keep_an_instance_from_ending(roll: MemoryRoll) -> None:
    census = member(roll, "a", seconds=0.001)
    running = asyncio.create_task(census.run())
    await until(lambda: "a" in roll.rows)
    roll.away = True
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert set(roll.rows) == {"a"}  # as after a kill; the others find out


@pytest.mark.parametrize("what", ["version", "secret", "relay"])
async def test_what_differs_is_stated_once_and_counted(
    what: str, roll: MemoryRoll, caplog: pytest.LogCaptureFixture
) -> None:
    ours = Facts(version="1", secret="s", relay="redis pulsestage")
    one, other = member(roll, "a", about=ours), member(roll, "b", about=msgspec.structs.replace(ours, **{what: "2"}))
    for _ in range(3):
        await other.count()
        await one.count()
    assert one.disagreeing == 1
    assert (
        len([message for message in caplog.messages if f"instance b (version {other._about.version}) has" in message])
        == 1
    )
    assert what in caplog.text


@pytest.mark.parametrize("hours", [-5, 0, 5])
async def test_all_have_the_time_of_the_shared_clock(hours: int, roll: MemoryRoll) -> None:
    roll.time = 1_700_000_000_000
    census = member(roll, "a", clock=roll.time + hours * 3_600_000)
    await census.count()
    assert census.now() == roll.time


async def test_a_difference_that_the_question_explains_is_none(roll: MemoryRoll) -> None:
    """Or everybody's clock would be as late as the network is slow."""
    times = iter([1000, 1040, 2000])
    roll.time = 1010
    census = Census(lambda: next(times), roll, instance_id="a")
    await census.count()
    assert census.now() == 2000


@pytest.mark.parametrize("shared", [None, 1000])
async def test_a_difference_that_is_gone_is_forgotten(shared: int | None, roll: MemoryRoll) -> None:
    census = member(roll, "a", clock=1000)
    roll.time = 5000
    await census.count()
    assert census.now() == 5000
    roll.time = shared
    await census.count()
    assert census.now() == 1000
