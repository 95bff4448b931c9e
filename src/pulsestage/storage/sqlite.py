"""SQLite: one writer, readers that are in nobody's way, and a thread only for what waits.

A statement on a file in the page cache takes microseconds; handing it to a thread and back takes longer, and cost
nearly half of a batch's CPU time (ADR 3). So statements run where they are. COMMIT, which waits for the disk, runs in a
thread. BEGIN IMMEDIATE doesn't wait: it is tried again while another process holds the lock.

Write transactions stand in line for the one writing connection. Readers have connections of their own and, in WAL
mode, see one moment each without waiting for the writer or being waited for.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy import URL, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from pulsestage.services.ports import PoolUsage
from pulsestage.storage.thread import CallThread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine, Executable

    from pulsestage.storage.database import Rows
    from pulsestage.storage.location import SqliteFile
    from pulsestage.storage.prepared import Prepared, Row

T = TypeVar("T")

BUSY_SECONDS = 5
"""How long a write waits for its turn, and then for another process's lock."""
HOLD_SECONDS = 0.005
"""How long statements may hold the event loop before others get their turn."""
SPARE_READERS = 4
"""Reading connections kept open between reads."""

PRAGMAS = (
    # A commit is on the disk before its answer is sent, also when the power fails. Folding makes it cheap.
    "synchronous = FULL",
    "foreign_keys = ON",
    "cache_size = -65536",
    "temp_store = MEMORY",
)


class Turn:
    """How long the event loop has been held by statements, whichever tasks they are of.

    Awaiting a statement that runs inline doesn't yield by itself: a task that runs thousands in a loop would keep all
    others waiting.
    """

    def __init__(self) -> None:
        self._began: float | None = None

    async def end_when_over(self) -> None:
        """Let other tasks run if statements have held the loop for HOLD_SECONDS."""
        # Again after the pause: another task may have used up the next turn in it.
        while self._began is not None and time.monotonic() - self._began >= HOLD_SECONDS:  # noqa: ASYNC110 - a turn
            await asyncio.sleep(0)
        if self._began is None:
            self._began = time.monotonic()
            # Called once the loop has gone on to what else is ready: that ends the turn.
            asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        self._began = None


class InlineConnection:
    """A connection with the face of an asynchronous one, whose statements run where they are."""

    def __init__(self, engine: Engine, begin: str, turn: Turn) -> None:
        self._connection = engine.connect()
        self._driver: sqlite3.Connection = self._connection.connection.driver_connection  # type: ignore[assignment]
        self._begin = begin
        self._turn = turn

    async def run(self, prepared: Prepared, values: Mapping[str, Any], /) -> list[Row]:
        """Run a statement and fetch all its rows."""
        await self._turn.end_when_over()
        try:
            return prepared.run(self._driver, values)
        except sqlite3.Error as error:
            raise _as_sqlalchemy(error) from error

    async def run_many(self, prepared: Prepared, values: Sequence[Mapping[str, Any]], /) -> None:
        """Run a statement once for each of the values."""
        await self._turn.end_when_over()
        try:
            prepared.run_many(self._driver, values)
        except sqlite3.Error as error:
            raise _as_sqlalchemy(error) from error

    async def execute(
        self,
        statement: Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        /,
    ) -> Rows:
        """Run a statement by way of SQLAlchemy."""
        await self._turn.end_when_over()
        return self._connection.execute(statement, parameters)

    async def run_sync(self, work: Callable[[Connection], T], /) -> T:
        """Let code that knows only the plain connection work on it."""
        if not self._connection.in_transaction():
            self._connection.begin()  # or else the work would take the transaction for its own, and commit it
        return work(self._connection)

    def begin(self) -> None:
        """Begin a transaction."""
        try:
            self._driver.execute(self._begin)
        except sqlite3.Error as error:
            raise _as_sqlalchemy(error) from error

    def commit(self) -> None:
        """Commit it."""
        if (transaction := self._connection.get_transaction()) is not None:
            transaction.commit()
        try:
            self._driver.commit()
        except sqlite3.Error as error:
            raise _as_sqlalchemy(error) from error

    def leave_nothing_open(self) -> None:
        """Roll back what was not committed, so that the next transaction can begin."""
        if (transaction := self._connection.get_transaction()) is not None:
            transaction.rollback()
        # SQLAlchemy takes a transaction whose COMMIT failed for ended; SQLite keeps it open.
        self._driver.rollback()

    def close(self) -> None:
        """Close it."""
        self._connection.close()


def _as_sqlalchemy(error: sqlite3.Error) -> DBAPIError:
    """The driver's error as SQLAlchemy would raise it, so that it is the same whichever of them has run a statement."""
    return cast("DBAPIError", DBAPIError.instance(None, None, error, sqlite3.Error, hide_parameters=True))


class SqliteBackend:
    """A SQLite file."""

    def __init__(self, file: SqliteFile) -> None:
        _create(file.path)
        url = URL.create("sqlite+pysqlite", database=str(file.path))  # never parsed, so the path may be any
        self.writing_engine = _engine(url)
        event.listen(self.writing_engine, "connect", _use_wal)
        self.reading_engine = _engine(url)
        self._lock = asyncio.Lock()
        self._turn = Turn()
        self._writer: InlineConnection | None = None
        self._readers: list[InlineConnection] = []
        self._thread = CallThread("sqlite-writer")

    @asynccontextmanager
    async def write(self) -> AsyncIterator[InlineConnection]:
        """A transaction that commits when its block ends well. Raises TimeoutError if its turn doesn't come."""
        async with asyncio.timeout(BUSY_SECONDS):
            await self._lock.acquire()
        try:
            writer = self._writer
            if writer is None:
                writer = await self._thread.call(self._open_writer)
            try:
                await _begin(writer)
                yield writer
                await self._thread.call(writer.commit)
            finally:
                writer.leave_nothing_open()
        finally:
            self._lock.release()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[InlineConnection]:
        """A view of one moment."""
        connection = self._readers.pop() if self._readers else self._open_reader()
        try:
            connection.begin()
            yield connection
        except BaseException:
            connection.close()
            raise
        connection.leave_nothing_open()
        if len(self._readers) < SPARE_READERS:
            self._readers.append(connection)
        else:
            connection.close()

    async def close(self) -> None:
        """Close every connection."""
        for connection in self._readers:
            connection.close()
        if self._writer is not None:
            self._writer.close()
        self._thread.close()

    def pool_usage(self) -> PoolUsage:
        """The one writing connection; readers are opened as they are needed."""
        return PoolUsage(int(self._lock.locked()), limit=1)

    def _open_reader(self) -> InlineConnection:
        return InlineConnection(self.reading_engine, "BEGIN", self._turn)

    def _open_writer(self) -> InlineConnection:
        self._writer = InlineConnection(self.writing_engine, "BEGIN IMMEDIATE", self._turn)
        return self._writer


async def _begin(writer: InlineConnection) -> None:
    """Begin at once, or when another process has committed. Raises OperationalError if it takes too long."""
    give_up_at = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            writer.begin()
        except OperationalError as error:
            if not _is_busy(error.orig) or time.monotonic() > give_up_at:
                raise
            await asyncio.sleep(random.uniform(0.001, 0.02))  # noqa: S311 - so that they don't meet again
        else:
            return


def _is_busy(error: BaseException | None) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


def _create(path: Path) -> None:
    """Create the file, and its directory, for this user alone. SQLite gives the files beside it the same mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


def _use_wal(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own class
    """Change the file to WAL, which it then keeps.

    Processes that open a new file together get in each other's way here, and SQLite doesn't wait: its busy handler is
    not asked when a shared lock would have to become an exclusive one.
    """
    give_up_at = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > give_up_at:
                raise
            time.sleep(random.uniform(0.001, 0.02))  # noqa: S311 - so that they don't meet again; in the writer's thread
        else:
            break
    connection.execute("PRAGMA busy_timeout = 0")  # from here on who waits doesn't hold the event loop


def _engine(url: URL) -> Engine:
    connect_args = {"timeout": BUSY_SECONDS, "isolation_level": None, "check_same_thread": False}
    # Without the parameters: an error in the log must not tell what somebody has asked, or who has voted.
    engine = create_engine(url, poolclass=NullPool, connect_args=connect_args, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own class
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    return engine
