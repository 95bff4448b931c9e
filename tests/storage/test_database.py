"""A database that can't do it now says so, changes nothing, and goes on when it can."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from pulsestage.domain.errors import Unavailable
from pulsestage.storage import sqlite
from pulsestage.storage.database import Database
from pulsestage.storage.migrate import upgrade
from tests.domain.examples import a_tag
from tests.storage.conftest import Storage


@pytest.fixture
async def database(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """SQLite alone, impatient, and of one's own."""
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    database = Database(sqlite_url)
    await upgrade(database)
    yield database
    await database.close()


@pytest.fixture
def file(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite:///"))


async def add_tag(storage: Storage, name: str) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        await tx.tags.add(a_tag(f"id of {name}", name))


async def names(storage: Storage) -> list[str]:
    async with storage.unit_of_work.read("t1") as tx:
        return [tag.name for tag in await tx.tags.every()]


async def test_a_file_that_is_locked_is_unavailable_and_then_no_more(storage: Storage, file: Path) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked"):
            await add_tag(storage, "early")
        assert await names(storage) == []  # reading goes on meanwhile
        other.execute("ROLLBACK")
    finally:
        other.close()
    await add_tag(storage, "late")
    assert await names(storage) == ["late"]


async def test_whoever_waits_too_long_for_the_writer_is_told(storage: Storage) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        await tx.tags.add(a_tag("g1", "first"))
        with pytest.raises(Unavailable, match="busy"):
            await add_tag(storage, "second")
    assert await names(storage) == ["first"]


async def test_a_full_disk_is_unavailable_leaves_nothing_and_is_got_over(storage: Storage) -> None:
    await add_tag(storage, "before")
    async with storage.database.write() as connection:
        pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
        await connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    before = await storage.rows("t1")
    with pytest.raises(Unavailable, match="full"):
        await _add_many(storage)
    assert await storage.rows("t1") == before
    async with storage.database.write() as connection:
        await connection.execute(text("PRAGMA max_page_count = 1000000"))
    await add_tag(storage, "after")
    assert await names(storage) == ["after", "before"]


async def _add_many(storage: Storage) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        for number in range(500):
            await tx.tags.add(a_tag(f"g{number}", f"{'x' * 400} {number}"))


async def test_a_commit_that_fails_leaves_nothing_and_the_writer_usable(storage: Storage) -> None:
    before = await storage.rows("t1")
    with pytest.raises(IntegrityError):
        await _fail_at_the_commit(storage)
    assert await storage.rows("t1") == before
    await add_tag(storage, "after")
    assert await names(storage) == ["after"]


async def _fail_at_the_commit(storage: Storage) -> None:
    async with storage.database.write() as connection:
        await connection.execute(text("PRAGMA defer_foreign_keys = ON"))  # checked when the transaction ends
        await connection.execute(
            text("INSERT INTO question_tags (tenant_id, question_id, tag_id) VALUES ('t1', 'none', 'none')")
        )


@pytest.mark.parametrize("turns", range(8))
async def test_whoever_is_cancelled_leaves_the_writer_usable(storage: Storage, turns: int) -> None:
    """Wherever the cancellation strikes: in line, at BEGIN, within, at COMMIT."""
    task = asyncio.create_task(add_tag(storage, "perhaps"))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await add_tag(storage, "after")
    assert "after" in await names(storage)


async def test_cancelled_at_begin(storage: Storage, file: Path) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(add_tag(storage, "early"))
        await asyncio.sleep(0)
        task.cancel()
        other.execute("ROLLBACK")
        await asyncio.wait([task])
    finally:
        other.close()
    await add_tag(storage, "after")
    assert await names(storage) == ["after"]


async def test_a_database_that_is_not_there_is_unavailable() -> None:
    database = Database("postgresql+asyncpg://postgres@/postgres?host=/nowhere")
    with pytest.raises(Unavailable, match="can't be reached"):
        async with database.read():
            pass
    await database.close()


async def test_connections_in_use_are_counted(empty_database: Database) -> None:
    async with empty_database.write():
        used = empty_database.pool_usage()
    assert (used.in_use, empty_database.pool_usage().in_use) == (1, 0)
    assert used.limit == (1 if empty_database.is_sqlite else 10)


async def test_an_outage_is_logged_when_it_begins_and_when_it_is_over(
    storage: Storage, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    other = sqlite3.connect(file, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            with pytest.raises(Unavailable) as raised:
                await add_tag(storage, "early")
            assert str(file) in str(raised.value)
            assert str(file) not in raised.value.message
            assert not storage.database.accepts_writes
            assert await names(storage) == []
        other.execute("ROLLBACK")
    finally:
        other.close()
    for number in range(2):
        await add_tag(storage, f"late {number}")
        assert storage.database.accepts_writes
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("ERROR", f"The database can't be used to write: Another process holds the lock of {file}."),
        ("INFO", f"The database can be used to write again: {file}"),
    ]


async def test_being_busy_is_no_outage(storage: Storage, caplog: pytest.LogCaptureFixture) -> None:
    async with storage.unit_of_work.write("t1"):
        with pytest.raises(Unavailable, match="busy"):
            await add_tag(storage, "second")
        assert storage.database.accepts_writes
    assert caplog.messages == []


async def test_a_file_that_can_not_be_written_is_named(sqlite_url: str, file: Path) -> None:
    database = Database(sqlite_url)
    await upgrade(database)
    async with database.write() as connection:
        await connection.execute(text("PRAGMA query_only = ON"))  # as a file system that is mounted read-only
    with pytest.raises(Unavailable, match=r"read-only now; .*pulsestage\.db can't be written"):
        async with database.write() as connection:
            await connection.execute(text("CREATE TABLE more (it INTEGER)"))
    assert not database.accepts_writes
    await database.close()


async def test_a_statement_that_is_wrong_is_a_defect_and_no_outage(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(OperationalError, match="no such table"):
        async with storage.database.read() as connection:
            await connection.execute(text("SELECT 1 FROM nowhere"))
    assert caplog.messages == []


async def test_what_others_raise_in_a_transaction_is_theirs(storage: Storage) -> None:
    with pytest.raises(FileNotFoundError):
        async with storage.database.read():
            raise FileNotFoundError


async def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a' / 'b' / 'pulsestage.db'}")
    async with database.write() as connection:
        assert (await connection.execute(text("PRAGMA journal_mode"))).scalar_one() == "wal"
    await database.close()


async def test_who_opens_a_new_file_together_waits_for_one_another(tmp_path: Path) -> None:
    async def write(database: Database) -> None:
        async with database.write() as connection:
            await connection.execute(text("CREATE TABLE IF NOT EXISTS met (who TEXT)"))
            await connection.execute(text("INSERT INTO met VALUES ('me')"))

    for number in range(30):  # of which several fail where nobody waits
        databases = [Database(f"sqlite:///{tmp_path / f'{number}.db'}") for _ in range(4)]
        await asyncio.gather(*map(write, databases))
        async with databases[0].read() as connection:
            assert (await connection.execute(text("SELECT count(*) FROM met"))).scalar_one() == 4
        for database in databases:
            await database.close()
