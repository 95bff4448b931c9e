"""Copies of a whole database: read table by table in one view of one moment, written in one transaction.

A source is a database (`snapshot`) or a file (`archive.py`), so a backup is a copy into a file and a restore is a copy
out of one. The tables are those of `tables.py` in the order of their foreign keys; one whose rows mean nothing
elsewhere says so in its `info`.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

import asyncpg
import msgspec
from sqlalchemy import Table, column, func, insert, select, table, tuple_

from pulsestage.storage import migrate
from pulsestage.storage.event_log import new_epoch
from pulsestage.storage.postgres import PooledConnection
from pulsestage.storage.tables import metadata

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from pulsestage.storage.database import Connection, Database

    Rows = Sequence[Sequence[Any]]
    Progress = Callable[[int], None]
    """Told after each page how many rows it had."""

PAGE_ROWS: Final = 2000
"""Rows in memory at a time."""

Name = Annotated[str, msgspec.Meta(pattern="^[a-z_]+$")]


class CopyRefused(Exception):
    """A copy can't be made or used; the message says why. Nothing was changed."""


class TableContents(msgspec.Struct, frozen=True, kw_only=True):
    """What a source has of one table."""

    name: Name
    columns: tuple[Name, ...]
    rows: int


class Source(Protocol):
    """Where the rows of a copy come from."""

    @property
    def revision(self) -> str:
        """The schema that the rows have."""

    @property
    def tables(self) -> Sequence[TableContents]:
        """The tables, those first that others refer to."""

    def pages(self, contents: TableContents) -> AsyncIterator[Rows]:
        """The rows of a table."""


def copied_tables() -> list[Table]:
    """The tables that belong into a copy, those first that others refer to."""
    return [each for each in metadata.sorted_tables if each.info.get("copied", True)]


async def _pages(connection: Connection, table: Table) -> AsyncIterator[Rows]:
    """The rows of a table in the order of its key; each page begins where the last one ended."""
    key = tuple(table.primary_key)
    places = [list(table.c).index(each) for each in key]
    query = page = select(table).order_by(*key).limit(PAGE_ROWS)
    while rows := (await connection.execute(page)).all():
        yield rows
        await asyncio.sleep(0)  # SQLite's statements don't yield, and Ctrl-C must be heard
        page = query.where(tuple_(*key) > tuple(rows[-1][place] for place in places))


class Snapshot:
    """A database as it is in one read transaction, while others go on writing."""

    def __init__(self, connection: Connection, revision: str, tables: Sequence[TableContents]) -> None:
        self.revision = revision
        self.tables = tables
        self._connection = connection

    def pages(self, contents: TableContents) -> AsyncIterator[Rows]:
        """The rows of a table."""
        return _pages(self._connection, metadata.tables[contents.name])


@asynccontextmanager
async def snapshot(database: Database) -> AsyncIterator[Snapshot]:
    """A source. Raises Unavailable, and CopyRefused if the schema is not exactly this version's."""
    schema = await migrate.inspect(database)
    if schema.current != schema.needed or schema.missing:
        raise CopyRefused(
            f"The database has schema {schema.current}, and this version copies {schema.needed} alone. Use the version"
            " that made this schema, or run `pulsestage db upgrade` first."
        )
    async with database.read() as connection:
        tables = []
        for each in copied_tables():
            count = (await connection.execute(select(func.count()).select_from(each))).scalar_one()
            tables.append(TableContents(name=str(each.name), columns=tuple(map(str, each.c.keys())), rows=count))
        yield Snapshot(connection, schema.needed, tables)


async def fill(database: Database, source: Source, progress: Progress, *, replace: bool = False) -> int:
    """Write a copy, at this version's schema, and return how many logs it has. Raises CopyRefused and Unavailable.

    All of it is one transaction: a copy that is cut off changes nothing. Every log gets a new epoch. Clients may know
    events that the copy doesn't have, whose numbers will be given again; with another epoch they are reset instead of
    going on from the wrong place.
    """
    schema = await migrate.inspect(database)
    if source.revision not in {migration.revision for migration in schema.known}:
        raise CopyRefused(f"The copy has schema {source.revision}, which this version doesn't know; use a newer one.")
    if schema.is_newer:
        raise CopyRefused(f"The database has schema {schema.current}, which a newer version has made; use that one.")
    async with database.write() as connection:
        if not replace and (tenants := await _count_tenants(connection)):
            raise CopyRefused(
                f"There is data of {tenants} tenant{'s' * (tenants > 1)} in {database.location.name} already."
                " --replace deletes it, and puts the copy in its place."
            )
        await migrate.rebuild(database, connection, source.revision)
        logs = 0
        for contents in source.tables:
            logs += contents.rows if contents.name == "logs" else 0
            async for rows in source.pages(contents):
                await _insert(connection, contents, rows)
                progress(len(rows))
        await migrate.upgrade_rebuilt(connection)
    return logs


async def _count_tenants(connection: Connection) -> int:
    tenants = metadata.tables["tenants"]
    if not await connection.run_sync(lambda sync: sync.dialect.has_table(sync, tenants.name)):
        return 0
    return int((await connection.execute(select(func.count()).select_from(tenants))).scalar_one())


async def _insert(connection: Connection, contents: TableContents, rows: Rows) -> None:
    """Write rows by the names of their columns: the schema may be an older one than that of `tables.py`."""
    if contents.name == "logs":
        place = contents.columns.index("epoch")
        rows = [(*row[:place], new_epoch(), *row[place + 1 :]) for row in rows]
    if isinstance(connection, PooledConnection):
        driver = await connection.driver()
        try:
            await driver.copy_records_to_table(contents.name, records=rows, columns=contents.columns)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise CopyRefused(f"PostgreSQL refuses rows of {contents.name}, nothing was changed: {error}") from error
    else:
        target = table(contents.name, *map(column, contents.columns))
        await connection.execute(insert(target), [dict(zip(contents.columns, row, strict=True)) for row in rows])
