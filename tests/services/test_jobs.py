"""A job that one instance does: the others wait, and one of them goes on when the first stops, or dies."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from pulsestage.domain.errors import Unavailable
from pulsestage.services.jobs import repeat_on_one_instance


class MemoryLeases:
    """One lease that all instances of a test share, with a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.holder = ""
        self.end = 0.0
        self.asked: list[str] = []
        self.away = False

    async def take(self, job: str, holder: str, *, seconds: float) -> bool:
        self.asked.append(holder)
        if self.away:
            raise Unavailable("The database can't be reached.")
        if self.holder not in {"", holder} and self.end > self.now:
            return False
        self.holder, self.end = holder, self.now + seconds
        return True

    async def give_back(self, job: str, holder: str) -> None:
        if self.away:
            raise Unavailable("The database can't be reached.")
        assert self.holder == holder
        self.holder = ""


class Instance:
    """Does the job whenever it has the lease, and counts how often."""

    def __init__(self, name: str, leases: MemoryLeases, seconds: float = 0.001) -> None:
        self.name = name
        self.done = 0
        self.fails: Exception | None = None
        self._leases = leases
        self._task = asyncio.create_task(
            repeat_on_one_instance("prune", self._work, leases=leases, holder=name, seconds=seconds)
        )

    async def _work(self) -> None:
        self.done += 1
        if self.fails:
            raise self.fails

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def rounds(self, number: int) -> None:
        """Wait until it has tried so many times more."""
        goal = self._leases.asked.count(self.name) + number
        await until(lambda: self._leases.asked.count(self.name) >= goal)


@pytest.fixture
def leases() -> MemoryLeases:
    return MemoryLeases()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what runs in the background has no event for it
        await asyncio.sleep(0.001)


async def test_one_does_it_again_and_again_and_the_other_waits(leases: MemoryLeases) -> None:
    one, other = Instance("a", leases), Instance("b", leases)
    await one.rounds(5)
    await other.rounds(5)
    assert {one.done > 0, other.done > 0} == {True, False}
    await one.stop()
    await other.stop()


async def test_who_stops_gives_the_lease_back_and_the_other_goes_on(leases: MemoryLeases) -> None:
    one = Instance("a", leases)
    await one.rounds(2)
    other = Instance("b", leases)
    await other.rounds(3)
    assert other.done == 0
    await one.stop()
    await other.rounds(2)
    assert other.done > 0
    await other.stop()


async def test_who_stops_without_the_lease_leaves_it_alone(leases: MemoryLeases) -> None:
    one = Instance("a", leases)
    await one.rounds(2)
    other = Instance("b", leases)
    await other.rounds(2)
    await other.stop()
    assert leases.holder == "a"
    await one.stop()


async def test_after_a_death_the_other_goes_on_when_the_lease_has_expired(
    leases: MemoryLeases, caplog: pytest.LogCaptureFixture
) -> None:
    one = Instance("a", leases, seconds=0.001)
    await one.rounds(2)
    leases.away = True
    with caplog.at_level(logging.INFO):
        await one.stop()  # it can't give anything back, like an instance that was killed
    assert "will expire" in caplog.text
    leases.away = False
    other = Instance("b", leases, seconds=0.001)
    leases.now += 0.0025
    await other.rounds(3)
    assert other.done == 0
    leases.now += 0.0005  # three rounds after the last that the dead one did
    await other.rounds(2)
    assert other.done > 0
    await other.stop()


async def test_the_holder_keeps_it_by_doing_its_rounds(leases: MemoryLeases) -> None:
    one = Instance("a", leases)
    await one.rounds(1)
    end = leases.end
    leases.now = end - 0.0005
    await one.rounds(2)
    assert leases.end > end
    await one.stop()


@pytest.mark.parametrize("trouble", [Unavailable("The database is busy."), RuntimeError("a bug")])
async def test_a_round_that_fails_is_logged_and_not_the_last(
    trouble: Exception, leases: MemoryLeases, caplog: pytest.LogCaptureFixture
) -> None:
    one = Instance("a", leases)
    one.fails = trouble
    await one.rounds(3)
    one.fails = None
    done = one.done
    await one.rounds(2)
    assert one.done > done
    levels = {record.levelno for record in caplog.records}
    assert levels == {logging.WARNING if isinstance(trouble, Unavailable) else logging.ERROR}
    await one.stop()


async def test_an_outage_of_the_database_passes(leases: MemoryLeases) -> None:
    one = Instance("a", leases)
    leases.away = True
    await one.rounds(2)
    assert one.done == 0
    leases.away = False
    await one.rounds(2)
    assert one.done > 0
    await one.stop()
