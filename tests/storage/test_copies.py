"""A copy has every row, is one moment's, and is there whole or not at all."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, update

from pulsestage.domain.tenant import Tenant
from pulsestage.storage import archive, copies, migrate
from pulsestage.storage.copies import CopyRefused, Snapshot, TableContents
from pulsestage.storage.directory import SqlDirectory
from pulsestage.storage.tables import metadata, tenants, votes
from pulsestage.storage.unit_of_work import SqlUnitOfWork
from tests.domain.examples import LATER, NOW
from tests.storage.databases import LABEL, Cut, Databases, back_up, epoch_of, ignore, restore, rows_of

KINDS = [(here, there) for here in ("sqlite", "postgres") for there in ("sqlite", "postgres")]


@pytest.mark.parametrize("here, there", KINDS)
async def test_every_row_arrives_in_a_new_epoch(databases: Databases, tmp_path: Path, here: str, there: str) -> None:
    source = await databases.filled(here)
    stored = await rows_of(source)
    assert all(rows for name, rows in stored.items() if name != "leases"), "a table without a row shows nothing"
    expected = {**stored, "instances": []}

    await back_up(source, tmp_path / "backup")
    restored = await databases.make(there)
    assert await restore(tmp_path / "backup", restored) == 1
    assert await rows_of(restored) == expected

    assert await epoch_of(restored) != await epoch_of(source)
    assert (await migrate.inspect(restored)).missing == []


@pytest.mark.parametrize("here, there", [("sqlite", "postgres"), ("postgres", "sqlite")])
async def test_a_database_is_copied_without_a_file(databases: Databases, here: str, there: str) -> None:
    source, copied = await databases.filled(here), await databases.make(there)
    async with copies.snapshot(source) as snapshot:
        await copies.fill(copied, snapshot, ignore)
    assert await rows_of(copied) == {**await rows_of(source), "instances": []}
    assert await epoch_of(copied) != await epoch_of(source)


async def test_rows_that_postgresql_refuses_are_named(databases: Databases) -> None:
    source, copied = await databases.filled("sqlite"), await databases.make("postgres")
    async with source.write() as connection:
        await connection.execute(update(tenants).values(name="half\x00a name"))
    async with copies.snapshot(source) as snapshot:
        with pytest.raises(CopyRefused, match="PostgreSQL refuses rows of tenants, nothing was changed"):
            await copies.fill(copied, snapshot, ignore)


def test_tables_are_copied_unless_they_are_named_here() -> None:
    copied = [table.name for table in copies.copied_tables()]
    assert set(metadata.tables) - set(copied) == {"instances", "leases"}
    for table in copies.copied_tables():
        for key in table.foreign_keys:
            assert copied.index(key.column.table.name) < copied.index(table.name)


def test_values_of_every_column_are_the_same_in_json() -> None:
    assert {column.type.python_type for table in copies.copied_tables() for column in table.c} <= {str, int, bool}


async def test_a_table_that_is_longer_than_a_page_is_copied_whole(
    databases: Databases, database_kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "PAGE_ROWS", 3)
    source, target = await databases.filled(database_kind), await databases.make(database_kind)
    voters = ["Zoë", "anna", "Ben", "_", "-", "9", "ä", "b" * 22]
    async with source.write() as connection:
        rows = [{"tenant_id": "t1", "question_id": "q1", "voter_key": key} for key in voters]
        await connection.execute(insert(votes), rows)
    seen: list[int] = []
    async with copies.snapshot(source) as snapshot:
        await copies.fill(target, snapshot, seen.append)
        assert sum(seen) == sum(table.rows for table in snapshot.tables)
    assert max(seen) == 3
    assert (await rows_of(target))["votes"] == (await rows_of(source))["votes"]


@pytest.fixture(params=["sqlite", "postgres"])
def database_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


async def test_a_copy_is_of_the_moment_when_it_began(databases: Databases, database_kind: str, tmp_path: Path) -> None:
    source = await databases.filled(database_kind)
    before = await rows_of(source)
    async with copies.snapshot(source) as snapshot:
        async with SqlUnitOfWork(source, lambda: NOW, lambda *_: None).write("t1") as tx:
            await tx.spent_tokens.spend("another", LATER)
        async with source.write() as connection:
            await connection.execute(update(tenants).values(name="Another"))
        await archive.write(tmp_path / "backup", snapshot, LABEL, ignore)
    target = await databases.make("sqlite")
    await restore(tmp_path / "backup", target)
    assert await rows_of(target) == {**before, "instances": []}


async def test_data_is_replaced_only_when_asked(databases: Databases, database_kind: str, tmp_path: Path) -> None:
    source, target = await databases.filled(database_kind), await databases.make(database_kind)
    await back_up(source, tmp_path / "backup")
    await migrate.upgrade(target)
    await SqlDirectory(target).add(Tenant("t9", "other", "Other", NOW))
    before = await rows_of(target)
    with pytest.raises(CopyRefused, match=r"data of 1 tenant in .* already"):
        await restore(tmp_path / "backup", target)
    assert await rows_of(target) == before
    for _ in range(2):
        await restore(tmp_path / "backup", target, replace=True)
        assert await rows_of(target) == {**await rows_of(source), "instances": []}


async def test_a_copy_that_is_cut_off_changes_nothing(databases: Databases, database_kind: str, tmp_path: Path) -> None:
    source, target = await databases.filled(database_kind), await databases.filled(database_kind)
    await back_up(source, tmp_path / "backup")
    before, epoch = await rows_of(target), await epoch_of(target)

    for step in (Cut, asyncio.CancelledError):

        def fail(rows: int, error: type[BaseException] = step) -> None:
            raise error

        with archive.opened(tmp_path / "backup") as opened, pytest.raises(step):
            await copies.fill(target, opened, fail, replace=True)
        assert await rows_of(target) == before
        assert await epoch_of(target) == epoch


# What the schema 0001 didn't have of its tables, and what a row has there that comes from it.
LATER_COLUMNS: dict[str, dict[str, object]] = {"questions": {"text_rules": 0}, "tags": {"folded_from": None}}


class AsInTheFirst(Snapshot):
    """A snapshot without what came after the schema 0001."""

    @classmethod
    def of(cls, snapshot: Snapshot) -> "AsInTheFirst":
        return cls(snapshot._connection, "0001", list(map(cls._contents, snapshot.tables)))

    @staticmethod
    def _contents(contents: TableContents) -> TableContents:
        kept = [each for each in contents.columns if each not in LATER_COLUMNS.get(contents.name, ())]
        return msgspec.structs.replace(contents, columns=tuple(kept))

    async def pages(self, contents: TableContents) -> AsyncIterator[list[tuple[Any, ...]]]:
        async for rows in super().pages(contents):
            yield [tuple(getattr(row, each) for each in contents.columns) for row in rows]


async def test_a_copy_of_an_older_schema_is_brought_up_to_date(
    databases: Databases, database_kind: str, tmp_path: Path
) -> None:
    source, target = await databases.filled(database_kind), await databases.make(database_kind)
    async with copies.snapshot(source) as snapshot:
        await archive.write(tmp_path / "backup", AsInTheFirst.of(snapshot), LABEL, ignore)
    await restore(tmp_path / "backup", target)
    schema = await migrate.inspect(target)
    assert (schema.missing, schema.current) == ([], schema.needed)
    async with source.write() as connection:
        for table, values in LATER_COLUMNS.items():
            await connection.execute(update(metadata.tables[table]).values(values))
    assert await rows_of(target) == {**await rows_of(source), "instances": []}


async def test_what_this_version_does_not_know_is_refused(databases: Databases, tmp_path: Path) -> None:
    source, target = await databases.filled("sqlite"), await databases.make("sqlite")
    async with copies.snapshot(source) as snapshot:
        snapshot.revision = "9999"
        await archive.write(tmp_path / "backup", snapshot, LABEL, ignore)
    with pytest.raises(CopyRefused, match="has schema 9999"):
        await restore(tmp_path / "backup", target)
    with pytest.raises(CopyRefused, match="has schema None"):
        async with copies.snapshot(target):
            pass
