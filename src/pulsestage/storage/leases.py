"""Leases: which instance does a job for all of them, until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, text

from pulsestage.storage.tables import leases

if TYPE_CHECKING:
    from sqlalchemy import TextClause

    from pulsestage.storage.database import Database


def _take(now: str) -> TextClause:
    """One statement, so that of several instances that try at the same moment one succeeds."""
    return text(
        f"INSERT INTO leases (job, holder, expires_at) VALUES (:job, :holder, {now} + :millis)"  # noqa: S608 - ours
        " ON CONFLICT (job) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at"
        f" WHERE leases.holder = excluded.holder OR leases.expires_at <= {now}"
        # Further off than it can be: the clock was set back, and the holder may be dead.
        " OR leases.expires_at > excluded.expires_at"
    )


_take_on_sqlite = _take("CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)")
# Not now(), which is when the transaction began: it may have waited for another instance's since.
_take_on_postgres = _take("CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)")


class SqlLeases:
    """The Leases port. Expiry goes by the database's clock, so instances need no common one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._take = _take_on_sqlite if database.is_sqlite else _take_on_postgres

    async def take(self, job: str, holder: str, *, seconds: float) -> bool:
        """Take or renew the lease; whether this holder has it now."""
        values = {"job": job, "holder": holder, "millis": int(seconds * 1000)}
        async with self._database.write() as connection:
            return bool((await connection.execute(self._take, values)).rowcount)

    async def give_back(self, job: str, holder: str) -> None:
        """End the lease if this holder has it."""
        async with self._database.write() as connection:
            await connection.execute(delete(leases).where(leases.c.job == job, leases.c.holder == holder))
