"""PostgreSQL: one pool; reads are REPEATABLE READ, so that each sees one moment."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from pulsestage.services.ports import PoolUsage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from sqlalchemy import AsyncAdaptedQueuePool
    from sqlalchemy.engine import URL

    from pulsestage.storage.prepared import Prepared, Row

POOL_SECONDS = 5
"""How long a transaction waits for a free connection, and a new connection for the server."""
COMMAND_SECONDS = 60
"""How long one statement may take, waiting for locks included."""


class PooledConnection:
    """A connection of the pool, inside a transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.execute = connection.execute
        self.run_sync = connection.run_sync

    async def run(self, prepared: Prepared, values: Mapping[str, Any], /) -> Sequence[Row]:
        """Run a statement and fetch all its rows."""
        result = await self.execute(prepared.statement, values)
        return result.all() if result.returns_rows else []

    async def run_many(self, prepared: Prepared, values: Sequence[Mapping[str, Any]], /) -> None:
        """Run a statement once for each of the values."""
        await self.execute(prepared.statement, values)


class PostgresBackend:
    """A PostgreSQL database."""

    def __init__(self, url: URL, pool_size: int) -> None:
        self.engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_SECONDS,
            pool_pre_ping=True,
            # A server that doesn't answer must not be waited for without end.
            connect_args={"timeout": POOL_SECONDS, "command_timeout": COMMAND_SECONDS},
            # An error in the log must not tell what somebody has asked, or who has voted.
            hide_parameters=True,
        )
        self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @property
    def _pool(self) -> AsyncAdaptedQueuePool:
        return cast("AsyncAdaptedQueuePool", self.engine.pool)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[PooledConnection]:
        """A transaction that commits when its block ends well."""
        async with self.engine.begin() as connection:
            yield PooledConnection(connection)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[PooledConnection]:
        """A view of one moment."""
        async with self._reader.connect() as connection:
            yield PooledConnection(connection)

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()

    def pool_usage(self) -> PoolUsage:
        """The connections that a transaction has, of those in the pool."""
        return PoolUsage(self._pool.checkedout(), limit=self._pool.size())
