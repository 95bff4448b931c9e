"""How a SQLite file is opened; statements run where they are, and still let other tasks run in between."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from typing import Self

import pytest
from sqlalchemy import make_url, text

from pulsestage.storage import sqlite
from pulsestage.storage.database import Connection, Database

ONE = text("SELECT 1")


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    database = Database(sqlite_url)
    yield database
    await database.close()


@pytest.mark.parametrize(
    "pragma,value",
    [
        ("synchronous", 2),  # FULL: a commit that was answered survives a power failure
        ("foreign_keys", 1),
        ("journal_mode", "wal"),
        ("busy_timeout", 0),  # SQLite would wait on the event loop
        ("temp_store", 2),
    ],
)
async def test_the_writer_keeps_what_it_has_committed(database: Database, pragma: str, value: object) -> None:
    for _ in range(2):  # the connection stays for the next one
        async with database.write() as connection:
            assert (await connection.execute(text(f"PRAGMA {pragma}"))).scalar_one() == value


async def test_whoever_waits_for_another_process_lets_others_run(database: Database, sqlite_url: str) -> None:
    async with database.write():
        pass
    other = sqlite3.connect(make_url(sqlite_url).database or "", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(_write(database))
        async with Others() as others:
            await asyncio.sleep(0.05)
            assert others.turns
        assert not task.done()
        other.execute("ROLLBACK")
        await task
    finally:
        other.close()


async def _write(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(ONE)


class Others:
    """Counts the turns that another task gets on the event loop while the block lasts."""

    def __init__(self) -> None:
        self.turns = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._count())
        await asyncio.sleep(0)
        self.turns = 0
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _count(self) -> None:
        while True:
            self.turns += 1
            await asyncio.sleep(0)


async def _read(database: Database) -> None:
    async with database.read() as connection:
        await connection.execute(ONE)


async def _execute(connection: Connection, times: int) -> None:
    for _ in range(times):
        await connection.execute(ONE)


async def test_a_task_that_reads_thousands_of_times_lets_others_run(database: Database) -> None:
    async with Others() as others:
        for _ in range(3000):
            await _read(database)
    assert 3 <= others.turns < 1500


async def test_a_transaction_of_thousands_of_statements_lets_others_run(database: Database) -> None:
    async with database.read() as connection, Others() as others:
        await _execute(connection, 3000)
        assert others.turns >= 3
    async with database.write() as connection, Others() as others:
        await _execute(connection, 3000)
        assert others.turns >= 3


async def test_tasks_that_run_statements_share_a_turn(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or many tasks, each with less than a turn's work, would together hold the loop for many turns."""
    monkeypatch.setattr(sqlite, "HOLD_SECONDS", 0)
    async with Others() as others:
        await asyncio.gather(*(_read(database) for _ in range(10)))
    assert others.turns >= 9


async def test_few_statements_run_without_a_pause(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "HOLD_SECONDS", 3600)
    async with Others() as others:
        for _ in range(10):
            await _read(database)
    assert others.turns == 0
