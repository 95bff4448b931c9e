"""`GET /questions` on tenants of 200, 2,000 and 20,000 questions: the time of a page must not follow their number.

    python -m bench.pages [--rounds 200]

In one process and without HTTP, so that the database's part shows: the first page and one from the middle, in each
order, sizes taking turns.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from typing import TYPE_CHECKING

from sqlalchemy import insert

from pulsestage.bootstrap import opened, running
from pulsestage.domain.policy import Actor, Role
from pulsestage.services import questions, tenants
from pulsestage.services.ports import PageKey, QuestionQuery, Sort
from pulsestage.settings import Settings
from pulsestage.storage import tables

if TYPE_CHECKING:
    from pulsestage.domain.tenant import Tenant
    from pulsestage.services.context import Context

SIZES = (200, 2_000, 20_000)
MOST_VOTES = 200


async def fill(settings: Settings, context: Context, tenant: Tenant, size: int) -> PageKey:
    """Questions with votes, straight into the table: asking 20,000 is not what is measured. A key from the middle."""
    ids = [context.new_id() for _ in range(size)]
    rows = [
        {
            "id": ids[number],
            "tenant_id": tenant.id,
            "body": f"Question {number} of {size}?",
            "author_key": "nobody",
            "upvotes": random.randrange(MOST_VOTES),  # noqa: S311 - any numbers will do
            "is_pinned": number < 2,  # noqa: PLR2004 - a few
            "status": "OPEN" if number % 3 else "ANSWERED",
            "responded_at": None if number % 3 else 1,
            "created_at": number,
            "updated_at": number,
        }
        for number in range(size)
    ]
    async with opened(settings) as database, database.write() as connection:
        await connection.execute(insert(tables.questions), rows)
    return PageKey(is_pinned=False, upvotes=MOST_VOTES // 2, question_id=ids[size // 2])


async def measure(rounds: int) -> None:
    """Fill, measure in turns, print."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=folder)
        async with running(settings) as (context, _):
            rooms = {size: await tenants.found(context, f"room-{size}", f"Room of {size}") for size in SIZES}
            keys = {size: await fill(settings, context, tenant, size) for size, tenant in rooms.items()}
            orders: tuple[Sort, ...] = ("popular", "recent")
            times: dict[tuple[Sort, bool, int], list[float]] = {}
            for _ in range(rounds):
                for size, tenant in rooms.items():
                    for sort in orders:
                        for middle in (False, True):
                            seconds = await page(context, tenant, sort, keys[size] if middle else None)
                            times.setdefault((sort, middle, size), []).append(seconds)
    print(f"{'page of 50':<22}" + "".join(f"{size:>10}" for size in SIZES) + "   (ms, and largest / smallest)")
    for sort in orders:
        for middle in (False, True):
            medians = [statistics.median(times[sort, middle, size]) * 1000 for size in SIZES]
            row = "".join(f"{each:>10.2f}" for each in medians)
            print(f"{sort + (', middle' if middle else ', first'):<22}{row}   {medians[-1] / medians[0]:.2f}")


async def page(context: Context, tenant: Tenant, sort: Sort, after: PageKey | None) -> float:
    """One page's time in seconds."""
    actor = Actor(tenant.id, "somebody", Role.MEMBER)
    started = time.perf_counter()
    await questions.page(context, actor, QuestionQuery(sort=sort, limit=50, after=after))
    return time.perf_counter() - started


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    asyncio.run(measure(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
