"""The database that a command works on. It has to be there: only those that begin a service make one."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pulsestage.bootstrap import location_of, opened, running
from pulsestage.cli.terminal import Failure
from pulsestage.storage import migrate
from pulsestage.storage.location import SqliteFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pulsestage.services.context import Context
    from pulsestage.settings import Settings
    from pulsestage.storage.database import Database


def database_name(settings: Settings) -> str:
    """What people call the database: its file, or its server's address with the database's name."""
    return location_of(settings).name


@asynccontextmanager
async def existing(settings: Settings, *, upgraded: bool = True) -> AsyncIterator[Database]:
    """The database, which must have been used before. Raises Failure."""
    await check_existing(settings)
    async with opened(settings, upgraded=upgraded) as database:
        yield database


@asynccontextmanager
async def use_cases(settings: Settings) -> AsyncIterator[Context]:
    """The context of use cases on a database that must have been used before. Raises Failure."""
    await check_existing(settings)
    async with running(settings) as (context, _hub):
        yield context


async def check_existing(settings: Settings) -> None:
    """Raises Failure if there is no database, or nothing in it: the settings may name another than what was meant."""
    check_file(settings)
    async with opened(settings, upgraded=False) as database:
        schema = await migrate.inspect(database)
    if schema.current is None:
        raise Failure(f"The database {database_name(settings)} is empty. {_named_by(settings)}")


def check_file(settings: Settings) -> None:
    """Raises Failure if the database is a file that doesn't exist, which SQLite would make."""
    location = location_of(settings)
    if isinstance(location, SqliteFile) and not location.path.exists():
        raise Failure(f"There is no database {location.name}. {_named_by(settings)}")


def _named_by(settings: Settings) -> str:
    if settings.database_url is None:
        return "PULSESTAGE_DATA_DIR names its folder; PULSESTAGE_DATABASE_URL names a database elsewhere."
    return "PULSESTAGE_DATABASE_URL or --database-url names it."
