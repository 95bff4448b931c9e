"""The connection to the database: engines, transactions, and what a failing database means to a caller.

SQLite has one writer: write transactions wait in line for one connection and begin IMMEDIATE, so that none fails half
way for want of the lock; readers have connections of their own and, in WAL mode, see one moment without being in
anybody's way. PostgreSQL has one pool; reads are REPEATABLE READ for the same view of one moment.
"""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from pulsestage.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from sqlalchemy.engine import URL

BUSY_SECONDS = 5
"""How long a SQLite writer waits for another process's lock, and anybody for a free connection."""


class Database:
    """One database, opened by URL (`sqlite+aiosqlite:///file` or `postgresql+asyncpg://…`)."""

    def __init__(self, url: str, *, readers: int = 4, pool_size: int = 10) -> None:
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._writer = _sqlite_engine(parsed, "BEGIN IMMEDIATE", connections=1)
            self._reader = _sqlite_engine(parsed, "BEGIN", connections=readers)
        else:
            self._writer = create_async_engine(
                parsed, pool_size=pool_size, max_overflow=0, pool_timeout=BUSY_SECONDS, pool_pre_ping=True
            )
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that commits when its block ends well. Raises Unavailable."""
        with unavailable_when_broken():
            async with self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A view of one moment. Raises Unavailable."""
        with unavailable_when_broken():
            async with self._reader.connect() as connection:
                yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self._writer.dispose()
        if self.is_sqlite:
            await self._reader.dispose()


def _sqlite_engine(url: URL, begin: str, connections: int) -> AsyncEngine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
        connect_args={"timeout": BUSY_SECONDS, "isolation_level": None},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own adapter class
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            # A commit is on the disk before its answer is sent, also when the power fails. Folding makes it cheap.
            "synchronous = FULL",
            "foreign_keys = ON",
            "cache_size = -65536",
            "temp_store = MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Any) -> None:  # noqa: ANN401 - as above
        connection.exec_driver_sql(begin)

    return engine


@contextmanager
def unavailable_when_broken() -> Iterator[None]:
    """Turn "the database can't do it now" into Unavailable; every other error stays what it is."""
    try:
        yield
    except PoolTimeoutError as error:
        raise Unavailable("The database is busy; nothing was changed. Try again in a moment.") from error
    except (OperationalError, InterfaceError) as error:
        raise Unavailable(_explain(error), retry_after_seconds=2) from error
    except DBAPIError as error:
        if error.connection_invalidated or _sqlstate_class(error) in {"08", "53", "57"}:
            raise Unavailable(_explain(error), retry_after_seconds=2) from error
        raise
    except (OSError, sqlite3.OperationalError) as error:
        raise Unavailable("The database can't be reached; nothing was changed.", retry_after_seconds=2) from error


def _sqlstate_class(error: DBAPIError) -> str:
    """PostgreSQL's error class: 08 connection, 53 out of resources (a full disk too), 57 operator intervention."""
    return str(getattr(error.orig, "sqlstate", None) or "")[:2]


def _explain(error: DBAPIError) -> str:
    reason = str(error.orig).lower()
    if "locked" in reason or "busy" in reason:
        return "The database is locked by somebody else; nothing was changed. Try again in a moment."
    if "full" in reason or _sqlstate_class(error) == "53":
        return "The server's disk is full; nothing was changed."
    if "readonly" in reason:
        return "The database is read-only now; nothing was changed."
    return "The database can't be reached; nothing was changed."
