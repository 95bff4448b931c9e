"""What a transaction has read to change it, nobody else changes before it ends. On PostgreSQL: SQLite has one writer.

Whoever meets a lock here gives up at once, so that a lock shows as an error and its absence as none.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from pulsestage.domain.team import Team
from pulsestage.domain.tenant import Tenant
from pulsestage.services.ports import Transaction
from pulsestage.storage.database import Database
from pulsestage.storage.migrate import upgrade
from pulsestage.storage.tables import logs
from tests.domain.examples import NOW, a_question, a_tag
from tests.servers.postgres import Postgres
from tests.storage.conftest import Storage

Call = Callable[[Transaction], Awaitable[Any]]

QUESTION = a_question(team_id="m1")
TEAM = Team("m1", "t1", "Engineering", "engineering", None, is_active=True, created_at=NOW)

LOCKS: dict[str, tuple[Call, Call]] = {
    "a question": (lambda tx: tx.questions.get("q1"), lambda tx: tx.questions.save(QUESTION)),
    "many questions": (lambda tx: tx.questions.get_many(["q1"]), lambda tx: tx.questions.save(QUESTION)),
    "the questions with a tag": (lambda tx: tx.questions.tagged_with("g1"), lambda tx: tx.questions.save(QUESTION)),
    "a question, from being read": (lambda tx: tx.questions.get("q1"), lambda tx: tx.questions.get("q1")),
    "a tag, from being deleted": (lambda tx: tx.tags.get("g1"), lambda tx: tx.tags.delete("g1")),
    "a tag, from being read": (lambda tx: tx.tags.get("g1"), lambda tx: tx.tags.get("g1")),
    "a team, from being changed": (lambda tx: tx.teams.get("m1"), lambda tx: tx.teams.save(TEAM)),
    "the catalogue": (lambda tx: tx.lock_catalog(), lambda tx: tx.lock_catalog()),
}
FREE: dict[str, tuple[Call, Call]] = {
    "another question": (lambda tx: tx.questions.get("q1"), lambda tx: tx.questions.get("q2")),
    "a question while the catalogue changes": (
        lambda tx: tx.lock_catalog(),
        lambda tx: tx.questions.add(a_question("q3"), []),
    ),
    "a team that another question is asked of": (lambda tx: tx.teams.get("m1"), lambda tx: tx.teams.get("m1")),
}


@pytest.fixture(scope="module")
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    """A PostgreSQL database in which nobody waits for a lock."""
    with postgres.database() as url:
        database = Database(url)
        await upgrade(database)
        async with database.write() as connection:
            name = (await connection.execute(text("SELECT current_database()"))).scalar_one()
            await connection.execute(text(f"ALTER DATABASE {name} SET lock_timeout = '1ms'"))
        await database.close()  # the setting is for new connections
        yield database
        await database.close()


@pytest.fixture
async def filled(storage: Storage) -> Storage:
    """Two questions, one of them with a tag and a team."""
    async with storage.unit_of_work.write("t1") as tx:
        await tx.teams.add(TEAM)
        await tx.tags.add(a_tag("g1", "Pay"))
        await tx.questions.add(QUESTION, [])
        await tx.questions.add(a_question("q2"), [])
        await tx.questions.add_tag("q1", "g1")
    return storage


async def _during(storage: Storage, first: Call, second: Call) -> None:
    """Do the second thing while a transaction that has done the first is open."""
    async with storage.unit_of_work.write("t1") as tx:
        await first(tx)
        async with storage.unit_of_work.write("t1") as other:
            await second(other)


@pytest.mark.parametrize("first,second", LOCKS.values(), ids=LOCKS)
async def test_what_was_read_to_be_changed_is_locked(filled: Storage, first: Call, second: Call) -> None:
    with pytest.raises(DBAPIError, match="lock timeout"):
        await _during(filled, first, second)


@pytest.mark.parametrize("first,second", FREE.values(), ids=FREE)
async def test_no_more_is_locked_than_that(filled: Storage, first: Call, second: Call) -> None:
    await _during(filled, first, second)


async def test_readers_wait_for_nobody(filled: Storage) -> None:
    async with filled.unit_of_work.write("t1") as tx:
        await tx.lock_catalog()
        await tx.tags.get("g1")
        await tx.questions.get("q1")
        async with filled.unit_of_work.read("t1") as view:
            assert (await view.questions.get("q1")).tags == (await view.tags.every())
            assert (await view.questions.tagged_with("g1"))[0].id == "q1"


async def test_a_deletion_waits_for_a_change_without_holding_what_the_change_needs_next(filled: Storage) -> None:
    async with filled.database.write() as connection:
        await connection.execute(update(logs).where(logs.c.tenant_id == "t1").values(head=logs.c.head + 1))
        with pytest.raises(DBAPIError, match="lock timeout"):
            await filled.directory.begin_deletion(Tenant("t1", "room-t1", "A room", NOW))
        assert await filled.directory.find("room-t1") is None, "the tenant's row is still locked, to which events refer"
