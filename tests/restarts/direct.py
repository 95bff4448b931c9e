"""Clients that ask and vote on kept connections of a server that is stopped, or whose workers are replaced."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from pulsestage.storage.tables import questions
from tests.live.venue import Venue
from tests.restarts.caller import Asked, Caller, Record

if TYPE_CHECKING:
    from pathlib import Path

BUSY_SECONDS = 0.5
"""How long the callers go on between two stops."""


async def stop_under_load(directory: Path, stops: int, callers: int, **settings: Any) -> tuple[Record, list[Asked]]:
    """Stop a server that often under so many callers. Their record, and all questions there are then."""
    venue = Venue(directory, **settings)
    await venue.found(acme="Acme")
    await venue.start()
    record, over = Record(), asyncio.Event()
    try:
        async with asyncio.TaskGroup() as tasks:
            for number in range(callers):
                tasks.create_task(Caller(f"caller {number}", venue.port, record).run(over))
            for _ in range(stops):
                await asyncio.sleep(BUSY_SECONDS)
                await restart(venue)
            await asyncio.sleep(BUSY_SECONDS)
            over.set()
    finally:
        await venue.stop()
    return record, await questions_of(venue)


async def restart(venue: Venue) -> None:
    """Replace the process, or each of the workers."""
    if venue.settings.workers == 1:
        await venue.stop()
        await venue.start()
        return
    done = venue.log.count("All workers are new")
    os.kill(venue.pid, signal.SIGHUP)
    while venue.log.count("All workers are new") == done:  # noqa: ASYNC110 - a file
        await asyncio.sleep(0.05)


async def questions_of(venue: Venue) -> list[Asked]:
    """All questions."""
    async with venue.opened() as database, database.read() as connection:
        rows = await connection.execute(select(questions.c.body, questions.c.upvotes))
        return [Asked(row.body, row.upvotes) for row in rows]
