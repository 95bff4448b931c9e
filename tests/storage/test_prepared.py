"""Prepared statements give on SQLite what SQLAlchemy gives for the same statement."""

import sqlite3
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Update, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from pulsestage.storage.database import Connection, Database
from pulsestage.storage.prepared import Prepared
from pulsestage.storage.tables import metadata, teams

NAMES = [f"Team {number}" for number in range(9)]
BY_NAMES = select(teams).where(teams.c.name.in_(bindparam("names", expanding=True))).order_by(teams.c.name)
BUSY = (
    select(teams.c.is_active, func.count().label("number"))
    .where(teams.c.slug != "slug 0", teams.c.id > bindparam("after"))
    .group_by(teams.c.is_active)
    .order_by(teams.c.is_active)
    .limit(5)
)


@pytest.fixture
async def connection(empty_database: Database) -> AsyncIterator[Connection]:
    """In a transaction, with a tenant's teams; every other one is active."""
    async with empty_database.write() as connection:
        await connection.run_sync(metadata.create_all)
        tenant = {"id": "t1", "slug": "acme", "name": "A room", "settings": "{}", "created_at": 1}
        await connection.run(Prepared(insert(metadata.tables["tenants"])), tenant)
        rows = [
            {"id": f"id {number}", "tenant_id": "t1", "slug": f"slug {number}", "created_at": 1}
            | {"name": name, "is_active": number % 2 == 0, "description": None}
            for number, name in enumerate(NAMES)
        ]
        await connection.run_many(Prepared(insert(teams)), rows)
        yield connection


@pytest.mark.parametrize("size", range(len(NAMES) + 1))
async def test_a_list_has_any_length(connection: Connection, size: int) -> None:
    rows = await connection.run(Prepared(BY_NAMES), {"names": NAMES[:size]})
    assert [tuple(row) for row in rows] == [
        tuple(row) for row in await connection.execute(BY_NAMES, {"names": NAMES[:size]})
    ]
    assert [row.name for row in rows] == NAMES[:size]
    assert [row.is_active for row in rows] == [number % 2 == 0 for number in range(size)]
    assert all(type(row.is_active) is bool for row in rows)


async def test_values_of_the_statement_itself_are_kept(connection: Connection) -> None:
    rows = await connection.run(Prepared(BUSY), {"after": ""})
    assert [(row.is_active, row.number) for row in rows] == [(False, 4), (True, 4)]


async def test_a_change_returns_its_rows_or_none(connection: Connection) -> None:
    assert list(await connection.run(Prepared(_renamed()), {"team": "id 1", "new": "A"})) == []
    [row] = await connection.run(Prepared(_renamed().returning(teams.c.name)), {"team": "id 1", "new": "B"})
    assert row.name == "B"


def _renamed() -> Update:
    return update(teams).where(teams.c.id == bindparam("team")).values(name=bindparam("new"))


async def test_what_the_database_refuses_is_the_same_error_on_either(empty_database: Database) -> None:
    async with empty_database.write() as connection:
        await connection.run_sync(metadata.create_all)
    with pytest.raises(IntegrityError) as raised:
        async with empty_database.write() as connection:
            await connection.run(Prepared(insert(metadata.tables["question_terms"])), SECRET)
    assert "whisper" not in str(raised.value)


SECRET = {"tenant_id": "none", "term": "whisper", "question_id": "none"}


def test_lists_of_many_lengths_have_few_texts() -> None:
    prepared = Prepared(BY_NAMES)
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE teams (id, tenant_id, name, slug, description, is_active, created_at)")
    for size in range(100):
        assert prepared.run(connection, {"names": ["name"] * size}) == []
    connection.close()
    assert len(prepared._texts) == 9
