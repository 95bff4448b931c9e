"""The list of who serves the database."""

import time

import pytest

from pulsestage.services.ports import Facts
from pulsestage.storage.database import Database
from pulsestage.storage.instances import SqlRoll


@pytest.fixture
def roll(database: Database) -> SqlRoll:
    return SqlRoll(database)


async def test_who_signs_is_read_and_who_is_struck_is_not(roll: SqlRoll) -> None:
    facts = Facts("1.2.3", "s", "redis x", {"t1": 3}, {"ab": 7})
    await roll.sign("a", facts)
    await roll.sign("b", Facts())
    assert await roll.read() == {"a": (0, facts), "b": (0, Facts())}
    await roll.sign("a", Facts(streams={"t1": 4}))
    assert await roll.read() == {"a": (1, Facts(streams={"t1": 4})), "b": (0, Facts())}
    await roll.strike(["a", "b", "c"])
    assert await roll.read() == {}


async def test_the_shared_clock_is_the_databases(database: Database, roll: SqlRoll) -> None:
    now = await roll.now()
    if database.is_sqlite:
        assert now is None
    else:
        assert now is not None
        assert abs(now - time.time() * 1000) < 60_000
