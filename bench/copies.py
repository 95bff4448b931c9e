"""`pulsestage backup`, `restore` and `db copy` of small and large databases: seconds, and how much memory each took.

    python -m bench.copies [--questions 20000] [--votes 500000]

Each command is a process of its own. The small database has a tenth of the rows: memory must not follow their number.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from sqlalchemy import insert

from pulsestage.storage import migrate, tables
from pulsestage.storage.database import Database
from tests.servers.postgres import running_postgres

MEGABYTE = 1024 * 1024
WORDS = ("when", "office", "budget", "coffee", "parking", "remote", "holiday", "training", "salary", "roadmap")


async def fill(url: str, questions: int, votes: int, *, dice: random.Random) -> None:
    """A tenant with questions of ten words, an event for each, and votes."""
    database = Database(url)
    await migrate.upgrade(database)

    def key() -> str:
        return f"{dice.getrandbits(128):022x}"[:22]

    tenant = str(uuid.UUID(int=dice.getrandbits(128)))
    ids = [str(uuid.UUID(int=number << 80 | dice.getrandbits(64))) for number in range(questions)]
    per_question = votes // questions
    async with database.write() as connection:
        row: dict[str, object] = {"id": tenant, "slug": "hall", "name": "Hall", "settings": "{}", "created_at": 1}
        await connection.execute(insert(tables.tenants), row)
        await connection.execute(
            insert(tables.logs), {"tenant_id": tenant, "epoch": "e1", "floor": 0, "head": questions}
        )
        for start in range(0, questions, 500):
            part = ids[start : start + 500]
            rows: list[dict[str, object]] = [
                {
                    "id": each,
                    "tenant_id": tenant,
                    "body": " ".join(dice.choices(WORDS, k=10)),
                    "author_key": key(),
                    "upvotes": per_question,
                    "is_pinned": False,
                    "status": "OPEN",
                    "created_at": 1,
                    "updated_at": 1,
                }
                for each in part
            ]
            await connection.execute(insert(tables.questions), rows)
            rows = [{"tenant_id": tenant, "question_id": each, "term": word} for each in part for word in WORDS]
            await connection.execute(insert(tables.question_terms), rows)
            rows = [
                {
                    "tenant_id": tenant,
                    "seq": seq,
                    "type": "question:created",
                    "timestamp": 1,
                    "variants": f'{{"public":{{"id":"{ids[seq - 1]}","body":"{" ".join(WORDS)}"}}}}',
                }
                for seq in range(start + 1, start + len(part) + 1)
            ]
            await connection.execute(insert(tables.events), rows)
            rows = [
                {"tenant_id": tenant, "question_id": each, "voter_key": key()}
                for each in part
                for _ in range(per_question)
            ]
            await connection.execute(insert(tables.votes), rows)
    await database.close()


def timed(*arguments: str) -> tuple[float, float]:
    """Run a command; its seconds, and the most memory it had, in MB."""
    began = time.monotonic()
    command = [sys.executable, "-m", "pulsestage", *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - our own program
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed")
    return time.monotonic() - began, used.ru_maxrss * 1024 / MEGABYTE


def measure(folder: Path, postgres: str, questions: int, votes: int) -> dict[str, tuple[float, float]]:
    """Every way that there is, for one size."""
    sqlite, other, file = f"sqlite:///{folder / 'a.db'}", f"sqlite:///{folder / 'b.db'}", str(folder / "backup")
    asyncio.run(fill(sqlite, questions, votes, dice=random.Random(7)))  # noqa: S311 - so that it can be repeated
    here, there = ("--database-url", sqlite), ("--database-url", postgres)
    return {
        "backup, SQLite": timed("backup", file, *here),
        "restore, SQLite": timed("restore", file, "--database-url", other),
        "db copy, SQLite to PostgreSQL": timed("db", "copy", "--to", postgres, *here),
        "backup, PostgreSQL": timed("backup", file, *there),
        "restore, PostgreSQL": timed("restore", file, "--replace", *there),
        "db copy, PostgreSQL to SQLite": timed("db", "copy", "--replace", "--to", other, *there),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=20_000)
    parser.add_argument("--votes", type=int, default=500_000)
    options = parser.parse_args()
    results = []
    with running_postgres(durable=True) as server:
        for part in (10, 1):
            with tempfile.TemporaryDirectory() as folder, server.database() as url:
                results.append(measure(Path(folder), url, options.questions // part, options.votes // part))
    small, large = results
    print(f"{options.questions:,} questions, {options.votes:,} votes, and a tenth of them")
    print(f"{'':<32}{'seconds':>10}{'a tenth':>10}{'MB':>10}{'a tenth':>10}")
    for name, (seconds, megabytes) in large.items():
        print(f"{name:<32}{seconds:>10.1f}{small[name][0]:>10.1f}{megabytes:>10.0f}{small[name][1]:>10.0f}")


if __name__ == "__main__":
    main()
