"""The database behind one face: transactions, and what a failing database means to a caller.

`sqlite.py` and `postgres.py` open the two kinds; statements are the same for both. A connection's `execute` awaits in
either case, so that repositories need not know.
"""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeVar

from pulsestage.storage.failures import unavailable
from pulsestage.storage.location import SqliteFile, locate
from pulsestage.storage.postgres import PostgresBackend
from pulsestage.storage.sqlite import SqliteBackend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy import Connection as SyncConnection
    from sqlalchemy import CursorResult, Executable

    from pulsestage.services.ports import PoolUsage
    from pulsestage.storage.location import Location
    from pulsestage.storage.prepared import Prepared, Row

    Rows: TypeAlias = CursorResult[*tuple[Any, ...]]

T = TypeVar("T")
Use: TypeAlias = Literal["read", "write"]

log = logging.getLogger(__name__)


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
    """One database, at a location or a URL that names one. Raises InvalidDatabaseUrl."""

    def __init__(self, where: Location | str, *, pool_size: int = 10) -> None:
        self.location = locate(where) if isinstance(where, str) else where
        self.is_sqlite = isinstance(self.location, SqliteFile)
        self.backend: Backend = (
            SqliteBackend(self.location)
            if isinstance(self.location, SqliteFile)
            else PostgresBackend(self.location, pool_size)
        )
        self._out: set[Use] = set()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Connection]:
        """A transaction that commits when its block ends well. Raises Unavailable."""
        with self._noticing("write"):
            async with self.backend.write() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A view of one moment. Raises Unavailable."""
        with self._noticing("read"):
            async with self.backend.read() as connection:
                yield connection

    @property
    def accepts_writes(self) -> bool:
        """Whether the last transaction that could have told could write."""
        return "write" not in self._out

    async def close(self) -> None:
        """Close every connection."""
        await self.backend.close()

    def pool_usage(self) -> PoolUsage:
        """How many connections for transactions are in use. On SQLite that is the one that writes."""
        return self.backend.pool_usage()

    @contextmanager
    def _noticing(self, use: Use) -> Iterator[None]:
        """Turn "the database can't do it now" into Unavailable, and log when that begins and when it is over.

        Every other error stays what it is.
        """
        try:
            yield
        except Exception as error:
            found = unavailable(error, self.location)
            if found is None:
                raise
            if found.reason and use not in self._out:
                log.error("The database can't be used to %s: %s", use, found.reason)  # noqa: TRY400 - it says it all
                self._out.add(use)
            raise found from error
        if use in self._out:
            self._out.discard(use)
            log.info("The database can be used to %s again: %s", use, self.location.name)
