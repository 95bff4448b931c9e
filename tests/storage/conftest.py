"""A migrated database of each kind, with two tenants in it."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, event, select

from pulsestage.domain.tenant import Tenant
from pulsestage.realtime import Event
from pulsestage.storage.database import Database
from pulsestage.storage.directory import SqlDirectory
from pulsestage.storage.event_log import SqlEventStore
from pulsestage.storage.migrate import upgrade
from pulsestage.storage.postgres import PostgresBackend
from pulsestage.storage.sqlite import SqliteBackend
from pulsestage.storage.tables import metadata, tenants
from pulsestage.storage.unit_of_work import SqlUnitOfWork
from tests.domain.examples import NOW
from tests.storage.databases import Databases


@dataclass
class Storage:
    """What `bootstrap.py` would build on this database, and what was announced after commits."""

    database: Database
    announced: list[tuple[str, str, Sequence[Event]]] = field(default_factory=list)
    _stop: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = itertools.count(NOW)
        self.store = SqlEventStore(self.database)
        self.directory = SqlDirectory(self.database)
        self.unit_of_work = SqlUnitOfWork(
            self.database, lambda: next(clock), lambda *announcement: self.announced.append(announcement)
        )

    async def rows(self, tenant: str) -> dict[str, list[Any]]:
        """Everything that is stored of a tenant, by table."""
        found: dict[str, list[Any]] = {}
        async with self.database.read() as connection:
            for table in metadata.sorted_tables:
                if table.name in {"instances", "leases"}:
                    continue  # nobody's in particular
                owner = table.c.id if table.name == "tenants" else table.c.tenant_id
                query = select(table).where(owner == tenant).order_by(*table.primary_key)
                found[table.name] = [tuple(row) for row in await connection.execute(query)]
        return found

    def statements(self) -> list[str]:
        """A list to which every statement from here on is added, as the database gets it."""
        seen: list[str] = []
        backend = self.database.backend
        if isinstance(backend, SqliteBackend):
            for connection in (*backend._readers, *filter(None, [backend._writer])):
                connection._driver.set_trace_callback(seen.append)
                self._stop.append(partial(connection._driver.set_trace_callback, None))
            for engine in (backend.reading_engine, backend.writing_engine):
                self._listen(engine, "connect", lambda driver, _record: driver.set_trace_callback(seen.append))
        else:
            assert isinstance(backend, PostgresBackend)
            assert backend._engines is not None
            self._listen(
                backend._engines[0].sync_engine,
                "before_cursor_execute",
                lambda _connection, _cursor, statement, *_: seen.append(statement),
            )
        return seen

    def _listen(self, engine: Engine, name: str, listener: Callable[..., None]) -> None:
        event.listen(engine, name, listener)
        self._stop.append(partial(event.remove, engine, name, listener))

    def committed_head(self, tenant: str) -> int:
        """The end of a tenant's log as another connection sees it now. For callers that can't await."""

        async def look() -> int:
            other = Database(self.database.location)
            try:
                return (await SqlEventStore(other).bounds([tenant]))[tenant].head
            finally:
                await other.close()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(look())).result()

    def stop_listening(self) -> None:
        """The connections outlive a test; what listens to them must not."""
        for stop in self._stop:
            stop()


@pytest.fixture
async def empty_database(database_url: str) -> AsyncIterator[Database]:
    """A database without any table, once of each kind."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """A database at the newest schema, once of each kind."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('storage') / 'pulsestage.db'}"
        else:
            url = stack.enter_context(request.getfixturevalue("postgres").database())
        database = Database(url)
        await upgrade(database)
        yield database
        await database.close()


@pytest.fixture
async def storage(database: Database) -> AsyncIterator[Storage]:
    """The tenants `t1` and `t2` in that database, and nothing else in it."""
    storage = Storage(database)
    for tenant in ("t1", "t2"):
        await storage.directory.add(Tenant(tenant, f"room-{tenant}", "A room", NOW))
    yield storage
    storage.stop_listening()
    async with database.write() as connection:
        await connection.execute(delete(tenants))


@pytest.fixture
async def databases(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Databases]:
    """Makes databases of either kind, and closes them."""
    async with AsyncExitStack() as stack:
        yield Databases(request, tmp_path, stack)
