"""The database behind one face: transactions, and what a failing database means to a caller.

`sqlite.py` and `postgres.py` open the two kinds; statements are the same for both. A connection's `execute` awaits in
either case, so that repositories need not know.
"""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from pulsestage.domain.errors import Unavailable
from pulsestage.storage.postgres import PostgresBackend
from pulsestage.storage.sqlite import SqliteBackend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy import Connection as SyncConnection
    from sqlalchemy import CursorResult, Executable

    from pulsestage.services.ports import PoolUsage
    from pulsestage.storage.prepared import Prepared, Row

    Rows: TypeAlias = CursorResult[*tuple[Any, ...]]

T = TypeVar("T")


class Connection(Protocol):
    """One connection inside a transaction."""

    async def run(self, prepared: Prepared, values: Mapping[str, Any], /) -> Sequence[Row]:
        """Run a statement; all its rows."""

    async def run_many(self, prepared: Prepared, values: Sequence[Mapping[str, Any]], /) -> None:
        """Run a statement once for each of the values, of which there is at least one."""

    async def execute(
        self,
        statement: Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        /,
    ) -> Rows:
        """Run a statement, or one many times; all rows are there when it returns."""

    async def run_sync(self, work: Callable[[SyncConnection], T], /) -> T:
        """Let code that knows only SQLAlchemy's plain connection work on it."""


class Backend(Protocol):
    """One kind of database."""

    def write(self) -> AbstractAsyncContextManager[Connection]:
        """A transaction that commits when its block ends well."""

    def read(self) -> AbstractAsyncContextManager[Connection]:
        """A view of one moment."""

    async def close(self) -> None:
        """Close every connection."""

    def pool_usage(self) -> PoolUsage:
        """The connections for transactions."""


class Database:
    """One database, opened by URL (`sqlite:///file` or `postgresql+asyncpg://…`)."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.backend: Backend = SqliteBackend(parsed) if self.is_sqlite else PostgresBackend(parsed, pool_size)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Connection]:
        """A transaction that commits when its block ends well. Raises Unavailable."""
        with unavailable_when_broken():
            async with self.backend.write() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A view of one moment. Raises Unavailable."""
        with unavailable_when_broken():
            async with self.backend.read() as connection:
                yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self.backend.close()

    def pool_usage(self) -> PoolUsage:
        """How many connections for transactions are in use. On SQLite that is the one that writes."""
        return self.backend.pool_usage()


@contextmanager
def unavailable_when_broken() -> Iterator[None]:
    """Turn "the database can't do it now" into Unavailable; every other error stays what it is."""
    try:
        yield
    except (PoolTimeoutError, TimeoutError) as error:
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
