"""Deleting a tenant while others are used: first nobody finds it any more, then its rows go in small transactions.

A deletion that was cut off is known by the tenant's slug, which is one that nobody can type, and can be finished.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, delete, select, tuple_, update

from pulsestage.storage.tables import logs, metadata, tenants

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from sqlalchemy import Table

    from pulsestage.storage.database import Database

STEP_ROWS: Final = 1000
"""Rows deleted in one transaction: nobody need wait long for theirs."""
_PREFIX: Final = "deleted "

not_deleted = tenants.c.slug.not_like(f"{_PREFIX}%")


async def begin(database: Database, tenant_id: str) -> None:
    """Take a tenant from everybody. Its slug is free at once, and what is still being written for it fails."""
    async with database.write() as connection:
        hidden = update(tenants).where(tenants.c.id == tenant_id).values(slug=f"{_PREFIX}{tenant_id}")
        await connection.execute(hidden)
    # Every change needs the row of its log. Instances miss it when they next look, and end the streams. It goes in
    # another transaction: a change locks this row first, and then the tenant's, to which its events refer.
    async with database.write() as connection:
        await connection.execute(delete(logs).where(logs.c.tenant_id == tenant_id))


async def finish(database: Database, progress: Callable[[int], None]) -> None:
    """Delete what there is of tenants whose deletion has begun."""
    async with database.read() as connection:
        begun = (await connection.execute(select(tenants.c.id).where(~not_deleted))).scalars().all()
    for tenant_id in begun:
        for table in _tables_of_tenants():
            async for rows in _delete_rows(database, table, tenant_id):
                progress(rows)
        async with database.write() as connection:
            await connection.execute(delete(tenants).where(tenants.c.id == tenant_id))


def _tables_of_tenants() -> Iterable[Table]:
    """Every table with rows of tenants, those first that refer to others."""
    return (table for table in reversed(metadata.sorted_tables) if "tenant_id" in table.c)


async def _delete_rows(database: Database, table: Table, tenant_id: str) -> AsyncIterator[int]:
    key = tuple(table.primary_key)
    mine = table.c.tenant_id == tenant_id
    query = page = select(*key).where(mine).order_by(*key).limit(STEP_ROWS)
    row = delete(table).where(mine, *(column == bindparam(f"key_{column.name}") for column in key))
    while True:
        async with database.read() as connection:
            rows = (await connection.execute(page)).all()
        if not rows:
            return
        began = time.monotonic()
        async with database.write() as connection:
            values = [{f"key_{name}": value for name, value in each._mapping.items()} for each in rows]  # noqa: SLF001
            await connection.execute(row, values)
        yield len(rows)
        # Processes that wait for SQLite's lock look now and then: leave it free for as long as it was taken.
        await asyncio.sleep(time.monotonic() - began)
        page = query.where(tuple_(*key) > tuple(rows[-1]))
