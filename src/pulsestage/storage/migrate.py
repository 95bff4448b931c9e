"""Bringing a database to the schema of this version, at start or by `pulsestage db upgrade`.

While instances are upgraded one by one, several versions serve one database. So each migration says which programs
tolerate the schema it makes, and the table `schema_revisions` says it to programs that don't know the migration
(ADR 16). A program is named by the newest revision that it knows.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Final, Protocol, cast

import sqlalchemy as sa

from pulsestage.storage.migrations import versions
from pulsestage.storage.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from types import ModuleType

    from pulsestage.storage.database import Connection, Database

log = logging.getLogger(__name__)

_LOCK = 7_175_741_636  # any number that is ours alone among PostgreSQL's advisory locks
_LAST_BY_ALEMBIC: Final = "0003"
"""Programs up to this revision ran Alembic's own command, which refuses any `alembic_version` it doesn't know."""

_metadata = sa.MetaData()
_alembic_version = sa.Table("alembic_version", _metadata, sa.Column("version_num", sa.String(32), primary_key=True))
_revisions = sa.Table(
    "schema_revisions",
    _metadata,
    sa.Column("revision", sa.String(32), primary_key=True),
    sa.Column("tolerated_from", sa.String(32), nullable=False),
    sa.Column("finished", sa.Boolean, nullable=False),
)
BOOKKEEPING: Final = frozenset(_metadata.tables)
"""Tables that say which migrations a database has had, and are none of the schema's own."""


class SchemaNotTolerated(Exception):
    """A newer program has changed the database in a way that this one can't work with."""


class Migration(Protocol):
    """One step of the schema, see `migrations/versions/`."""

    @property
    def revision(self) -> str:
        """Its number."""

    @property
    def tolerated_from(self) -> str:
        """The oldest program that works on the schema that `upgrade` makes."""

    @property
    def upgrade(self) -> Callable[[], None]:
        """Adds to the schema, or changes what no tolerated program depends on."""

    @property
    def finish(self) -> Callable[[], None] | None:
        """Changes what older programs depend on. Most migrations have nothing of the kind."""


@dataclass(frozen=True)
class Module:
    """A migration in a module of that name, which is imported when it is used: with Alembic, that takes a while."""

    name: str

    @property
    def revision(self) -> str:
        """Its number, which the name begins with."""
        return self.name.partition("_")[0]

    @property
    def tolerated_from(self) -> str:
        """The module's `tolerated_from`."""
        return cast("str", self._module.tolerated_from)

    @property
    def upgrade(self) -> Callable[[], None]:
        """The module's `upgrade`."""
        return cast("Callable[[], None]", self._module.upgrade)

    @property
    def finish(self) -> Callable[[], None] | None:
        """The module's `finish`, if it has one."""
        return getattr(self._module, "finish", None)

    @property
    def _module(self) -> ModuleType:
        return importlib.import_module(f"{versions.__name__}.{self.name}")


@dataclass(frozen=True)
class Revision:
    """A migration that a database has had, as it is recorded there."""

    revision: str
    tolerated_from: str
    finished: bool

    @classmethod
    def of(cls, migration: Migration) -> Revision:
        """The record of a migration whose `upgrade` has run."""
        return cls(migration.revision, migration.tolerated_from, finished=migration.finish is None)


@dataclass(frozen=True)
class Schema:
    """What a database has had, and what this program knows."""

    applied: Sequence[Revision]
    known: Sequence[Migration]

    @property
    def current(self) -> str | None:
        """The newest revision the database has had; None if it is empty."""
        return max((each.revision for each in self.applied), default=None)

    @property
    def needed(self) -> str:
        """The newest revision this program knows."""
        return self.known[-1].revision

    @property
    def tolerated_from(self) -> str | None:
        """The oldest program that works on this schema; None if the database is empty."""
        return max((each.tolerated_from for each in self.applied), default=None)

    @property
    def missing(self) -> list[Migration]:
        """What this program would add."""
        had = {each.revision for each in self.applied}
        return [migration for migration in self.known if migration.revision not in had]

    @property
    def unfinished(self) -> list[str]:
        """Revisions whose second part waits for the last older instance to stop."""
        return [each.revision for each in self.applied if not each.finished]

    @property
    def is_newer(self) -> bool:
        """Whether a newer program has changed this database."""
        return self.current is not None and self.current > self.needed

    @property
    def tolerates_us(self) -> bool:
        """Whether this program can work on it."""
        return self.tolerated_from is None or self.tolerated_from <= self.needed

    def check(self) -> None:
        """Raise SchemaNotTolerated if this program can't work on it."""
        if not self.tolerates_us:
            raise SchemaNotTolerated(
                f"A newer version has brought the database to schema {self.current}, which only versions that know"
                f" schema {self.tolerated_from} can use; this one knows {self.needed}. Start the newer version, or"
                " restore a backup from before the upgrade."
            )


@cache
def migrations() -> tuple[Migration, ...]:
    """Every migration this program knows, oldest first."""
    return tuple(map(Module, sorted(module.name for module in pkgutil.iter_modules(versions.__path__))))


def newest() -> str:
    """The newest revision this program knows, which names it."""
    return migrations()[-1].revision


async def upgrade(
    database: Database, *, finish: bool = False, known: Sequence[Migration] | None = None
) -> tuple[Schema, Schema]:
    """Run what is missing, and with `finish` what waits for the last older instance. The schema before and after.

    Raises Unavailable and SchemaNotTolerated.
    """
    async with database.write() as connection:
        await _lock(database, connection)
        before, after = await connection.run_sync(partial(_upgrade, known=known or migrations(), finish=finish or None))
    if before.is_newer:
        log.info("the database has schema %s; this version knows %s, and is tolerated", before.current, before.needed)
    return before, after


async def rebuild(database: Database, connection: Connection, revision: str) -> None:
    """Drop every table with all it holds, and make those of a revision that this program knows."""
    await _lock(database, connection)
    await connection.run_sync(_drop)
    known = [migration for migration in migrations() if migration.revision <= revision]
    await connection.run_sync(partial(_upgrade, known=known, finish=False))


async def upgrade_rebuilt(connection: Connection) -> None:
    """Run what is missing in tables that `rebuild` has made and others have filled, in the same transaction.

    And what waits for the last older instance: there is none.
    """
    await connection.run_sync(partial(_upgrade, known=migrations(), finish=True))


async def inspect(database: Database, *, known: Sequence[Migration] | None = None) -> Schema:
    """What the database has had. Changes nothing."""
    async with database.read() as connection:
        return await connection.run_sync(partial(_read, known=known or migrations()))


async def _lock(database: Database, connection: Connection) -> None:
    if not database.is_sqlite:
        # Several instances may start together; the later ones wait and find nothing left to do.
        await connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _drop(connection: sa.Connection) -> None:
    metadata.drop_all(connection)
    _metadata.drop_all(connection)


def _upgrade(connection: sa.Connection, *, known: Sequence[Migration], finish: bool | None) -> tuple[Schema, Schema]:
    """Run what is missing, and finish it if asked to. None: if the database is empty, and so has no older instances."""
    before = _read(connection, known=known)
    before.check()
    if not before.missing and not (finish and before.unfinished):
        return before, before
    applied = list(before.applied)
    with _operations(connection):
        for migration in before.missing:
            migration.upgrade()
            applied.append(Revision.of(migration))
        if not before.applied if finish is None else finish:
            applied = [_finished(each, known) for each in applied]
    after = replace(before, applied=applied)
    _record(connection, after)
    return before, after


def _operations(connection: sa.Connection) -> AbstractContextManager[object]:
    """What `alembic.op` in a migration works on."""
    from alembic.operations import Operations  # noqa: PLC0415 - a fifth of a program's start, seldom needed
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - likewise

    return Operations.context(MigrationContext.configure(connection))


def _finished(revision: Revision, known: Sequence[Migration]) -> Revision:
    """Run a migration's second part, if it has one that is known and didn't run yet."""
    finish = next((each.finish for each in known if each.revision == revision.revision), None)
    if revision.finished or finish is None:
        return revision
    finish()
    return Revision(revision.revision, tolerated_from=revision.revision, finished=True)


def _read(connection: sa.Connection, *, known: Sequence[Migration]) -> Schema:
    tables = sa.inspect(connection)
    if tables.has_table(_revisions.name):
        rows = connection.execute(sa.select(_revisions).order_by(_revisions.c.revision))
        return Schema([Revision(*row) for row in rows], known)
    newest = connection.scalar(sa.select(_alembic_version)) if tables.has_table(_alembic_version.name) else None
    if newest is None:
        return Schema([], known)
    return Schema([Revision.of(migration) for migration in known if migration.revision <= newest], known)


def _record(connection: sa.Connection, schema: Schema) -> None:
    _metadata.create_all(connection)
    for table in (_revisions, _alembic_version):
        connection.execute(sa.delete(table))
    connection.execute(sa.insert(_revisions), [asdict(each) for each in schema.applied])
    # Programs up to 0003 start as long as they find a revision they know, and refuse any other.
    shown = max(_LAST_BY_ALEMBIC, schema.tolerated_from or "")
    connection.execute(sa.insert(_alembic_version), {"version_num": shown})
