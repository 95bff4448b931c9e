"""Bringing a database to the schema of this version, at start or by `pulsestage db upgrade`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pulsestage.storage.database import Database

_LOCK = 7_175_741_636  # any number that is ours alone among PostgreSQL's advisory locks


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config


async def upgrade(database: Database) -> None:
    """Run the migrations that are missing. Raises Unavailable."""
    async with database.write() as connection:
        if not database.is_sqlite:
            # Several instances may start together; the later ones wait and find nothing left to do.
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        await connection.run_sync(_upgrade)


async def current(database: Database) -> tuple[str | None, str]:
    """The revision the database has (None: empty), and the one this version needs."""
    async with database.read() as connection:
        revision = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    return revision, ScriptDirectory.from_config(_config()).get_current_head() or ""


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
