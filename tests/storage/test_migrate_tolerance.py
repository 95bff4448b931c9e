"""Programs of several versions on one schema: who is tolerated, and what waits until the older ones are gone."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from alembic import op

from pulsestage.domain.errors import Unavailable
from pulsestage.storage import migrate
from pulsestage.storage.migrate import Migration, SchemaNotTolerated, inspect, migrations, upgrade

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulsestage.storage.database import Database

OURS = migrations()
FIRST_PROGRAM = OURS[:3]
"""What the last program knew that looked at `alembic_version` alone."""


@dataclass
class Additive:
    """A migration that adds a table."""

    revision: str
    tolerated_from: str = "0003"
    finish: Callable[[], None] | None = None

    def upgrade(self) -> None:
        op.create_table(f"added_{self.revision}", sa.Column("id", sa.Integer, primary_key=True))


@dataclass
class InTwoParts(Additive):
    """One that drops a table in the end."""

    drops: str = ""

    def __post_init__(self) -> None:
        self.finish = lambda: op.drop_table(self.drops)


def program(*more: Migration) -> list[Migration]:
    """What a program knows that is newer than this one."""
    return [*OURS, *more]


async def tables(database: Database) -> set[str]:
    async with database.read() as connection:
        return set(await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()))


async def alembic_version(database: Database) -> Any:
    async with database.read() as connection:
        return (await connection.execute(sa.text("SELECT version_num FROM alembic_version"))).scalar_one()


async def made_by_alembic(database: Database) -> None:
    """The database as programs left it that knew no `schema_revisions`."""
    await upgrade(database, known=FIRST_PROGRAM)
    async with database.write() as connection:
        await connection.execute(sa.text("DROP TABLE schema_revisions"))


async def test_programs_that_ask_alembic_alone_find_the_revision_they_know(empty_database: Database) -> None:
    await made_by_alembic(empty_database)
    before, after = await upgrade(empty_database, known=program(Additive("9001")))
    assert (before.current, after.current) == ("0003", "9001")
    assert "added_9001" in await tables(empty_database)
    assert await alembic_version(empty_database) == "0003"


async def test_a_program_works_on_a_newer_schema_that_tolerates_it(
    empty_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await upgrade(empty_database, known=program(Additive("9001"), Additive("9002", tolerated_from=OURS[-1].revision)))
    caplog.set_level(logging.INFO, "pulsestage")
    before, after = await upgrade(empty_database)
    assert before == after
    assert (after.current, after.is_newer, after.tolerates_us) == ("9002", True, True)
    assert [record.getMessage() for record in caplog.records] == [
        f"the database has schema 9002; this version knows {after.needed}, and is tolerated"
    ]


async def test_a_program_refuses_a_schema_that_does_not_tolerate_it(empty_database: Database) -> None:
    # The newest migration tolerates this program, but one before it doesn't.
    newer = program(Additive("9001", tolerated_from="9001"), Additive("9002"))
    await upgrade(empty_database, known=newer)
    with pytest.raises(SchemaNotTolerated, match=r"schema 9002, which only versions that know schema 9001 can use"):
        await upgrade(empty_database)
    assert not (await inspect(empty_database)).tolerates_us
    assert await alembic_version(empty_database) == "9001"


async def test_what_older_programs_need_goes_when_the_upgrade_is_finished(empty_database: Database) -> None:
    await upgrade(empty_database, known=program(Additive("9001")))
    newer = program(Additive("9001"), InTwoParts("9002", drops="added_9001"))
    _, after = await upgrade(empty_database, known=newer)
    assert after.unfinished == ["9002"]
    assert {"added_9001", "added_9002"} <= await tables(empty_database)
    assert (await upgrade(empty_database, known=newer))[1] == after  # a start finishes nothing
    await upgrade(empty_database)  # and we are tolerated

    _, finished = await upgrade(empty_database, known=newer, finish=True)
    assert (finished.unfinished, finished.tolerated_from) == ([], "9002")
    assert "added_9001" not in await tables(empty_database)
    assert await alembic_version(empty_database) == "9002"
    with pytest.raises(SchemaNotTolerated):
        await upgrade(empty_database)
    assert (await upgrade(empty_database, known=newer, finish=True))[1] == finished


async def test_an_empty_database_has_nothing_to_wait_for(empty_database: Database) -> None:
    _, made = await upgrade(empty_database, known=program(Additive("9001"), InTwoParts("9002", drops="added_9001")))
    assert made.unfinished == []
    assert "added_9001" not in await tables(empty_database)


async def test_a_copy_is_finished_when_its_rows_are_there(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewriting = Additive("9001", finish=lambda: op.execute("UPDATE added_9001 SET id = id + 100"))
    monkeypatch.setattr(migrate, "migrations", lambda: program(rewriting))
    async with empty_database.write() as connection:
        await migrate.rebuild(empty_database, connection, "9001")
        await connection.execute(sa.text("INSERT INTO added_9001 VALUES (1)"))
        await migrate.upgrade_rebuilt(connection)
    async with empty_database.read() as connection:
        assert (await connection.execute(sa.text("SELECT id FROM added_9001"))).scalar_one() == 101
    assert (await inspect(empty_database)).unfinished == []


async def test_a_failed_upgrade_leaves_nothing_behind(empty_database: Database) -> None:
    await upgrade(empty_database)
    with pytest.raises((sa.exc.SQLAlchemyError, Unavailable)):
        await upgrade(empty_database, known=program(Additive("9001"), Additive("9001")))
    assert (await inspect(empty_database)).current == OURS[-1].revision
    assert "added_9001" not in await tables(empty_database)
