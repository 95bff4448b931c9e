"""PostgreSQL: one pool; reads are REPEATABLE READ, so that each sees one moment.

A pooler in between, such as PgBouncer, may give each transaction another connection to the server, where statements
that were prepared before don't exist. So it is looked for before the pool is opened, and nothing is kept prepared then.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from pulsestage.services.ports import PoolUsage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from sqlalchemy import AsyncAdaptedQueuePool

    from pulsestage.storage.location import PostgresServer
    from pulsestage.storage.prepared import Prepared, Row

log = logging.getLogger(__name__)

POOL_SECONDS = 5
"""How long a transaction waits for a free connection, and a new connection for the server."""
COMMAND_SECONDS = 60
"""How long one statement may take, waiting for locks included."""

UNPREPARED: dict[str, Any] = {
    "statement_cache_size": 0,  # asyncpg's
    "prepared_statement_cache_size": 0,  # SQLAlchemy's
    "prepared_statement_name_func": str,  # "": the statement without a name, which ends with the transaction
}


class PooledConnection:
    """A connection of the pool, inside a transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.execute = connection.execute
        self.run_sync = connection.run_sync
        self._connection = connection

    async def driver(self) -> Any:  # noqa: ANN401 - asyncpg has no types
        """The driver's own connection, in the same transaction, for what SQLAlchemy can't do: COPY."""
        return (await self._connection.get_raw_connection()).driver_connection

    async def run(self, prepared: Prepared, values: Mapping[str, Any], /) -> Sequence[Row]:
        """Run a statement and fetch all its rows."""
        result = await self.execute(prepared.statement, values)
        return result.all() if result.returns_rows else []

    async def run_many(self, prepared: Prepared, values: Sequence[Mapping[str, Any]], /) -> None:
        """Run a statement once for each of the values."""
        await self.execute(prepared.statement, values)


class PostgresBackend:
    """A PostgreSQL database."""

    def __init__(self, server: PostgresServer, pool_size: int) -> None:
        self._server = server
        self._pool_size = pool_size
        # A server that doesn't answer must not be waited for without end.
        self._options = {"timeout": POOL_SECONDS, "command_timeout": COMMAND_SECONDS, **server.options}
        self._opening = asyncio.Lock()
        self._engines: tuple[AsyncEngine, AsyncEngine] | None = None

    async def engines(self) -> tuple[AsyncEngine, AsyncEngine]:
        """For writing and for reading, over one pool. Looks for a pooler first; raises what connecting raises."""
        if self._engines is None:
            async with self._opening:
                if self._engines is None:
                    is_pooled = self._server.is_pooled or await self._meets_pooler()
                    writer = self._make_engine({**self._options, **(UNPREPARED if is_pooled else {})})
                    reader = writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                    self._engines = writer, reader
        return self._engines

    @asynccontextmanager
    async def write(self) -> AsyncIterator[PooledConnection]:
        """A transaction that commits when its block ends well."""
        writer, _ = self._engines or await self.engines()
        async with writer.begin() as connection:
            yield PooledConnection(connection)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[PooledConnection]:
        """A view of one moment."""
        _, reader = self._engines or await self.engines()
        async with reader.connect() as connection:
            yield PooledConnection(connection)

    async def close(self) -> None:
        """Close every connection."""
        if self._engines is not None:
            await self._engines[0].dispose()

    def pool_usage(self) -> PoolUsage:
        """The connections that a transaction has, of those in the pool."""
        if self._engines is None:
            return PoolUsage(0, limit=self._pool_size)
        pool = cast("AsyncAdaptedQueuePool", self._engines[0].pool)
        return PoolUsage(pool.checkedout(), limit=pool.size())

    def _make_engine(self, options: dict[str, Any]) -> AsyncEngine:
        return create_async_engine(
            "postgresql+asyncpg://",
            pool_size=self._pool_size,
            max_overflow=0,
            pool_timeout=POOL_SECONDS,
            pool_pre_ping=True,
            connect_args=options,
            # An error in the log must not tell what somebody has asked, or who has voted.
            hide_parameters=True,
        )

    async def _meets_pooler(self) -> bool:
        connection = await asyncpg.connect(**{**self._options, "statement_cache_size": 0})
        try:
            if await serves_itself(connection):
                return False
        finally:
            connection.terminate()
        log.info("A pooler is in front of %s: statements are not kept prepared, which costs CPU", self._server.name)
        return True


async def serves_itself(connection: Any) -> bool:  # noqa: ANN401 - asyncpg has no types
    """Whether this is a connection to the server. A pooler's has another process id than the one that answers."""
    return bool(await connection.fetchval("SELECT pg_backend_pid()") == connection.get_server_pid())
