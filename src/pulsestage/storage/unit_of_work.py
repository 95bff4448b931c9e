"""One transaction of one tenant, with its repositories; after the commit the engine hears what happened."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sqlalchemy import select

from pulsestage.storage import event_log
from pulsestage.storage.members import SqlMembers, SqlSpentTokens
from pulsestage.storage.prepared import Prepared
from pulsestage.storage.questions import SqlQuestions
from pulsestage.storage.scoped import TENANT
from pulsestage.storage.tables import tenants
from pulsestage.storage.tags import SqlTags
from pulsestage.storage.teams import SqlTeams
from pulsestage.storage.votes import SqlVotes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from pulsestage.domain.events import Event
    from pulsestage.domain.tenant import Millis
    from pulsestage.realtime import Event as LoggedEvent
    from pulsestage.realtime import Position
    from pulsestage.services.ports import Members, Questions, SpentTokens, Tags, Teams, Transaction, Votes
    from pulsestage.storage.database import Connection, Database

    Announce = Callable[[str, str, Sequence[LoggedEvent]], None]
    """Told after each commit: the tenant's id, the log's epoch, the events in order."""

log = logging.getLogger(__name__)

_lock = Prepared(select(tenants.c.id).where(tenants.c.id == TENANT).with_for_update(key_share=True))


async def lock_catalog(connection: Connection, tenant_id: str) -> None:
    """Lock the tenant's row, which stands for its lists of tags and teams."""
    # NO KEY UPDATE: inserting a question only needs the tenant to exist, and may go on.
    await connection.run(_lock, {"tenant": tenant_id})


class SqlTransaction:
    """The Transaction port on one connection."""

    def __init__(self, connection: Connection, tenant_id: str, now: Millis, *, locking: bool) -> None:
        self.now = now
        self.questions: Questions = SqlQuestions(connection, tenant_id, locking=locking)
        self.votes: Votes = SqlVotes(connection, tenant_id, locking=locking)
        self.tags: Tags = SqlTags(connection, tenant_id, locking=locking)
        self.teams: Teams = SqlTeams(connection, tenant_id, locking=locking)
        self.members: Members = SqlMembers(connection, tenant_id, locking=locking)
        self.spent_tokens: SpentTokens = SqlSpentTokens(connection, tenant_id, locking=locking)
        self._connection = connection
        self._tenant_id = tenant_id
        self._position: Position | None = None
        self._happened: list[Event] = []

    @property
    def position(self) -> Position:
        """In a read, this view's place in the log; in a write, known after the commit."""
        if self._position is None:
            raise RuntimeError("a write has no position before its commit")
        return self._position

    async def lock_catalog(self) -> None:
        """Lock the tenant's row, which stands for its lists of tags and teams."""
        await lock_catalog(self._connection, self._tenant_id)

    def append(self, events: Iterable[Event]) -> None:
        """Keep the events for the commit."""
        self._happened.extend(events)

    async def look(self) -> None:
        """Fix this transaction's view and note where the log stands in it."""
        self._position = await event_log.position(self._connection, self._tenant_id)

    async def log_events(self) -> list[LoggedEvent]:
        """Write what happened to the log: the last thing before the commit, since it locks the tenant's log."""
        if not self._happened:
            await self.look()
            return []
        self._position, logged = await event_log.append(self._connection, self._tenant_id, self._happened, self.now)
        return logged


class SqlUnitOfWork:
    """The UnitOfWork port. `announce` is called after each commit that logged something."""

    def __init__(self, database: Database, clock: Callable[[], Millis], announce: Announce) -> None:
        self._database = database
        self._clock = clock
        self._announce = announce

    @asynccontextmanager
    async def write(self, tenant_id: str) -> AsyncIterator[Transaction]:
        """A transaction that commits when its block ends well."""
        async with self._database.write() as connection:
            tx = SqlTransaction(connection, tenant_id, self._clock(), locking=True)
            yield tx
            logged = await tx.log_events()
        if logged:
            try:
                self._announce(tenant_id, tx.position.epoch, logged)
            except Exception:
                # The change is made, and its caller must hear so; whoever was not told finds it in the log.
                log.exception("events up to %s were committed and could not be announced", tx.position)

    @asynccontextmanager
    async def read(self, tenant_id: str) -> AsyncIterator[Transaction]:
        """A view of one moment."""
        async with self._database.read() as connection:
            tx = SqlTransaction(connection, tenant_id, self._clock(), locking=False)
            await tx.look()
            yield tx
