"""PostgreSQL behind a pooler that gives each transaction another connection."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import text

from pulsestage.domain.errors import Unavailable
from pulsestage.domain.tenant import Tenant
from pulsestage.storage import postgres as backend
from pulsestage.storage.database import Database
from pulsestage.storage.migrate import upgrade
from tests.domain.examples import NOW, a_tag
from tests.servers.pgbouncer import running_pgbouncer
from tests.storage.conftest import Storage


@pytest.fixture
def pooled_url(postgres_url: str) -> Iterator[str]:
    """An empty database through a pooler with three connections to it, in transaction mode."""
    with running_pgbouncer(postgres_url, "transaction") as url:
        yield url


@pytest.fixture
async def database(pooled_url: str) -> AsyncIterator[Database]:
    database = Database(pooled_url)
    yield database
    await database.close()


async def _work(database: Database) -> None:
    """What is prepared in one transaction is used in others, ten at a time over three connections."""
    await upgrade(database)
    storage = Storage(database)
    await storage.directory.add(Tenant("t1", "room-t1", "A room", NOW))

    async def tag(number: int) -> None:
        async with storage.unit_of_work.write("t1") as tx:
            await tx.tags.add(a_tag(f"g{number}", f"tag {number}"))
        async with storage.unit_of_work.read("t1") as tx:
            assert f"tag {number}" in [each.name for each in await tx.tags.every()]

    for _ in range(3):
        for outcome in await asyncio.gather(*map(tag, range(10)), return_exceptions=True):
            if outcome is not None:
                raise outcome
        async with database.write() as connection:
            await connection.execute(text("DELETE FROM tags"))


async def test_a_pooler_is_noticed_and_everything_works(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "pulsestage.storage"):
        await _work(database)
    assert caplog.text.count("A pooler is in front of 127.0.0.1:") == 1


async def test_a_schema_that_changes_under_prepared_statements_is_no_fault_of_ours(postgres_url: str) -> None:
    database = Database(postgres_url)

    async def change(statement: str) -> None:
        async with database.write() as connection:
            await connection.execute(text(statement))

    async def look() -> None:
        async with database.read() as connection:
            await connection.execute(text("SELECT name FROM things"))

    await change("CREATE TABLE things (name varchar(36))")
    await look()
    await change('ALTER TABLE things ALTER COLUMN name TYPE varchar(36) COLLATE "C"')
    with pytest.raises(Unavailable, match="schema has just been changed"):
        await look()
    await look()
    await database.close()


async def test_without_a_pooler_statements_are_kept_prepared(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pulsestage.storage")
    database = Database(postgres_url)
    query = text("SELECT count(*) FROM pg_prepared_statements")
    async with database.read() as connection:
        await connection.execute(query)
    async with database.read() as connection:
        assert (await connection.execute(query)).scalar_one() > 0
    assert "pooler" not in caplog.text
    await database.close()


async def test_a_pooler_that_comes_later_is_named(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What happens if the pooler is not noticed: not an error that nobody understands."""

    async def no(_self: object) -> bool:
        return False

    monkeypatch.setattr(backend.PostgresBackend, "_meets_pooler", no)
    with pytest.raises(Unavailable, match="A pooler has come between this server and"):
        await _work(database)
    assert "A pooler has come between" in caplog.text


async def test_a_server_that_is_none_of_those_asked_for_is_an_outage(postgres_url: str) -> None:
    database = Database(f"{postgres_url}&target_session_attrs=standby")
    with pytest.raises(
        Unavailable, match=r"can't be reached.*is as target_session_attrs in the database's URL demands"
    ):
        async with database.read():
            pass
    await database.close()
