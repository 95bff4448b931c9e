"""Migrations make exactly what `tables.py` says, and can be run by everybody at once."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy import inspect as describe_with

import pulsestage.storage.migrations.versions
from pulsestage.storage.database import Database
from pulsestage.storage.migrate import BOOKKEEPING, inspect, migrations, upgrade
from pulsestage.storage.tables import metadata

VERSIONS = Path(pulsestage.storage.migrations.versions.__file__).parent


async def test_after_the_migrations_alembic_finds_nothing_left_to_do(empty_database: Database) -> None:
    await upgrade(empty_database)

    def differences(connection: Connection) -> list[Any]:
        options = {
            "compare_type": True,
            "compare_server_default": True,
            "include_name": lambda name, kind, _parents: kind != "table" or name not in BOOKKEEPING,
        }
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    async with empty_database.read() as connection:
        assert await connection.run_sync(differences) == []


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_migrated_and_created_are_the_same_table_by_table(
    kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if kind == "sqlite":
        folder = tmp_path_factory.mktemp("schemas")
        urls = [f"sqlite:///{folder / name}" for name in ("migrated.db", "created.db")]
        migrated, created = [await _schema(url, migrate=url == urls[0]) for url in urls]
    else:
        server = request.getfixturevalue("postgres")
        with server.database() as one, server.database() as other:
            migrated, created = await _schema(one, migrate=True), await _schema(other, migrate=False)
    for table in BOOKKEEPING:
        migrated.pop(table)
    assert migrated.keys() == created.keys()
    for table in created:
        assert migrated[table] == created[table], table


async def _schema(url: str, *, migrate: bool) -> Any:
    """Every table as the database itself describes it."""
    database = Database(url)
    try:
        if migrate:
            await upgrade(database)
        else:
            async with database.write() as connection:
                await connection.run_sync(metadata.create_all)
        async with database.read() as connection:
            return await connection.run_sync(_describe)
    finally:
        await database.close()


def _describe(connection: Connection) -> dict[str, Any]:
    schema = describe_with(connection)
    return {
        table: {
            "columns": [{**column, "type": repr(column["type"])} for column in schema.get_columns(table)],
            "primary key": schema.get_pk_constraint(table),
            "foreign keys": _by_name(schema.get_foreign_keys(table)),
            "unique": _by_name(schema.get_unique_constraints(table)),
            "indexes": _by_name(map(_plain, schema.get_indexes(table))),
            "options": schema.get_table_options(table),
        }
        for table in schema.get_table_names()
    }


def _by_name(described: Iterable[Any]) -> list[Any]:
    return sorted(described, key=lambda each: str(each["name"]))


def _plain(index: Any) -> Any:
    """The index with its condition as text."""
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return {**index, "dialect_options": options}


def test_revisions_are_numbered_in_order_and_say_who_tolerates_them() -> None:
    names = [path.name for path in sorted(VERSIONS.glob("0*.py"))]
    assert len(names) == len(migrations())
    for number, (name, migration) in enumerate(zip(names, migrations(), strict=True), 1):
        assert name.startswith(f"{number:04}_")
        assert migration.revision == f"{number:04}"
        assert "0001" <= migration.tolerated_from <= migration.revision
        assert not hasattr(migration, "downgrade")


async def test_the_revision_says_where_a_database_stands(empty_database: Database) -> None:
    assert (await inspect(empty_database)).current is None
    before, after = await upgrade(empty_database)
    assert (before.current, after.current) == (None, after.needed)
    assert await inspect(empty_database) == after


async def test_instances_that_start_together_migrate_once(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(3)]
    try:
        made = await asyncio.gather(*map(upgrade, databases))
        assert [before.current for before, _ in made].count(None) == 1
    finally:
        for database in databases:
            await database.close()
