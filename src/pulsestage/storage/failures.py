"""What an error of the database means: to callers, and with names of hosts and files to operators."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from pulsestage.domain.errors import Unavailable
from pulsestage.services import outage
from pulsestage.storage.location import PostgresServer, SqliteFile

if TYPE_CHECKING:
    from pulsestage.storage.location import Location

_OUT_OF_RESOURCES = "53"
_UNAVAILABLE_CLASSES = frozenset({"08", "28", "3D", _OUT_OF_RESOURCES, "57"})
"""SQLSTATE classes: connection, authorization, no such database, out of resources, operator intervention."""
_READ_ONLY = "25006"
_POOLED = frozenset({"26000", "42P05"})
"""A prepared statement is missing or there already: it belongs to another connection."""

_AWAY = "The database can't be reached; nothing was changed."
_CHANGING = "The database's schema has just been changed; nothing else was. Try again in a moment."
_FULL = "The server's disk is full; nothing was changed."
_WRITES_REFUSED = "The database is read-only now; nothing was changed."


def unavailable(error: Exception, location: Location) -> Unavailable | None:
    """What to raise instead of an error that says that the database can't do it now; None for all others.

    Without a reason if nothing is wrong but that there is more to do than can be done.
    """
    if isinstance(error, PoolTimeoutError) or (isinstance(error, TimeoutError) and isinstance(location, SqliteFile)):
        return Unavailable("The database is busy; nothing was changed. Try again in a moment.")
    found = _of_sqlite(error, location) if isinstance(location, SqliteFile) else _of_postgres(error, location)
    if found is None:
        return None
    sentence, reason = found
    return Unavailable(sentence, retry_after_seconds=2, reason=reason)


def _of_sqlite(error: Exception, file: SqliteFile) -> tuple[str, str] | None:
    said = error.orig if isinstance(error, OperationalError) else error
    # SQLITE_ERROR is the code for a wrong statement, such as one on a missing table: a defect, and no outage.
    if not isinstance(said, sqlite3.OperationalError) or said.sqlite_errorcode == sqlite3.SQLITE_ERROR:
        return None
    words = str(said)
    if "locked" in words or "busy" in words:
        sentence = "The database is locked by somebody else; nothing was changed. Try again in a moment."
        return sentence, f"Another process holds the lock of {file.name}."
    if "full" in words:
        return _FULL, f"There is no room for {file.name}."
    if "readonly" in words:
        return _WRITES_REFUSED, (
            f"{file.name} can't be written: it or its folder belongs to somebody else, or is mounted read-only."
        )
    return _AWAY, f"{file.name}: {words}."


def _of_postgres(error: Exception, server: PostgresServer) -> tuple[str, str] | None:
    said = _server_error(error)
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return _AWAY, f"No server at {server.place} is as target_session_attrs in the database's URL demands."
    if said is None:
        is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
        if is_lost or isinstance(error, OperationalError | InterfaceError | asyncpg.InterfaceError | OSError):
            return _AWAY, outage.network(error, server.name) or outage.closed(server.name)
        return None
    if isinstance(said, asyncpg.InvalidCachedStatementError):  # SQLAlchemy prepares them anew
        return _CHANGING, f"Another program has changed the schema of {server.name}."
    state = str(said.sqlstate or "")
    if state in _POOLED:
        return _AWAY, (
            f"A pooler has come between this server and {server.name}, and gives each transaction another connection."
            " Restart this server, so that it takes the pooler into account."
        )
    if state == _READ_ONLY:
        return _WRITES_REFUSED, outage.refused(server.name, said)
    if state[:2] in _UNAVAILABLE_CLASSES:
        return _FULL if state == asyncpg.DiskFullError.sqlstate else _AWAY, outage.refused(server.name, said)
    return None


def _server_error(error: BaseException) -> asyncpg.PostgresError | None:
    """What the server has said, below what SQLAlchemy makes of it."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, asyncpg.PostgresError):
        cause = getattr(cause, "orig", None) or cause.__cause__
    return cause
