"""Databases of either kind, filled and empty, and what copies of them are compared by."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from pulsestage.domain.tenant import Tenant
from pulsestage.storage import archive, copies, migrate
from pulsestage.storage.database import Database
from pulsestage.storage.directory import SqlDirectory
from pulsestage.storage.tables import instances, logs, metadata
from pulsestage.storage.unit_of_work import SqlUnitOfWork
from tests.domain.examples import NOW
from tests.storage.everything import fill

LABEL = archive.Label(version="1.2.3", created_at="2026-11-28T03:00:00Z", secret_fingerprint="abc")


def ignore(_rows: int) -> None:
    """Nobody looks at the progress."""


class Databases:
    """Makes databases of either kind, and closes them."""

    def __init__(self, request: pytest.FixtureRequest, folder: Path, stack: AsyncExitStack) -> None:
        self._request, self._folder, self._stack = request, folder, stack
        self._count = 0

    async def make(self, kind: str) -> Database:
        """An empty one, without any table."""
        self._count += 1
        if kind == "sqlite":
            url = f"sqlite:///{self._folder / f'{self._count}.db'}"
        else:
            url = self._stack.enter_context(self._request.getfixturevalue("postgres").database())
        database = Database(url)
        self._stack.push_async_callback(database.close)
        return database

    async def filled(self, kind: str) -> Database:
        """One with one of everything."""
        database = await self.make(kind)
        await migrate.upgrade(database)
        await SqlDirectory(database).add(Tenant("t1", "acme", "Łódź \U0001f389 \u2028 'x'", NOW))
        await fill(SqlUnitOfWork(database, lambda: NOW, lambda *_: None))
        async with database.write() as connection:
            await connection.execute(insert(instances), {"id": "i1", "beat": 1, "facts": "{}"})
        return database


class Cut(Exception):
    """Raised when a copy is to be cut off."""


async def rows_of(database: Database) -> dict[str, list[Any]]:
    """All rows by table, but for the epochs."""
    found: dict[str, list[Any]] = {}
    async with database.read() as connection:
        for table in metadata.sorted_tables:
            columns = [column for column in table.c if column is not logs.c.epoch]
            rows = await connection.execute(select(*columns).order_by(*table.primary_key))
            found[table.name] = [tuple(row) for row in rows]
    return found


async def epoch_of(database: Database) -> str:
    async with database.read() as connection:
        return str((await connection.execute(select(logs.c.epoch))).scalar_one())


async def back_up(database: Database, path: Path, secret: bytes | None = None) -> None:
    async with copies.snapshot(database) as snapshot:
        await archive.write(path, snapshot, LABEL, ignore, secret=secret)


async def restore(path: Path, database: Database, *, replace: bool = False) -> int:
    with archive.opened(path) as source:
        return await copies.fill(database, source, ignore, replace=replace)
