"""Of several instances one has a job's lease, until it gives it back or the database's clock has passed its end."""

import asyncio
import time

import pytest
from sqlalchemy import delete, select, update

from pulsestage.storage.database import Database
from pulsestage.storage.leases import SqlLeases
from pulsestage.storage.tables import leases


@pytest.fixture
async def port(database: Database) -> SqlLeases:
    async with database.write() as connection:
        await connection.execute(delete(leases))
    return SqlLeases(database)


async def test_one_has_it_and_renews_it_and_the_others_wait(port: SqlLeases) -> None:
    assert await port.take("prune", "a", seconds=60)
    assert not await port.take("prune", "b", seconds=60)
    assert await port.take("prune", "a", seconds=60)
    assert not await port.take("prune", "b", seconds=60)


async def test_of_many_that_try_together_one_has_it(port: SqlLeases) -> None:
    taken = await asyncio.gather(*(port.take("prune", f"holder {n}", seconds=60) for n in range(8)))
    assert sum(taken) == 1


async def test_jobs_have_a_lease_each(port: SqlLeases) -> None:
    assert await port.take("prune", "a", seconds=60)
    assert await port.take("retain", "b", seconds=60)


async def test_it_is_free_when_it_was_given_back(port: SqlLeases) -> None:
    assert await port.take("prune", "a", seconds=60)
    await port.give_back("prune", "a")
    assert await port.take("prune", "b", seconds=60)


async def test_nobody_gives_back_what_another_has(port: SqlLeases) -> None:
    assert await port.take("prune", "a", seconds=60)
    await port.give_back("prune", "b")
    assert not await port.take("prune", "b", seconds=60)


async def test_it_is_free_when_it_has_expired(port: SqlLeases) -> None:
    assert await port.take("prune", "dead", seconds=0)
    assert await port.take("prune", "b", seconds=60)
    assert not await port.take("prune", "dead", seconds=60)


async def test_it_is_not_kept_longer_by_a_clock_that_is_set_back(port: SqlLeases, database: Database) -> None:
    assert await port.take("prune", "dead", seconds=60)
    async with database.write() as connection:
        await connection.execute(update(leases).values(expires_at=leases.c.expires_at + 86_400_000))
    assert await port.take("prune", "b", seconds=60)
    assert not await port.take("prune", "dead", seconds=60)


async def test_it_ends_so_many_seconds_from_now(port: SqlLeases, database: Database) -> None:
    assert await port.take("prune", "a", seconds=3600)
    async with database.read() as connection:
        row = (await connection.execute(select(leases))).one()
    assert (row.job, row.holder) == ("prune", "a")
    assert abs(row.expires_at / 1000 - time.time() - 3600) < 60
