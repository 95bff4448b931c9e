"""Votes through several instances over one PostgreSQL: what they wait for one another.

    python -m bench.contention [--rounds 3] [--votes 6000]

Many connections send votes of 1,000 people for 20 questions of one tenant, spread over 1, 2 and 4 instances. A second
connection to the database looks every few milliseconds how many transactions wait for a lock. All share the machine's
cores: the rate says what this machine does, the waiting what the instances do to one another.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass

import asyncpg

from bench.load import send_all
from bench.ours import instance, make_people, prepared
from bench.servers import LOAD_CORE, SERVER_CORE
from bench.votes import PEOPLE, QUESTIONS, ballots
from tests.servers.postgres import running_postgres

PORT = 7792
LOOK_SECONDS = 0.004
INSTANCES = (1, 2, 4)

WAITING = """
SELECT count(*) FILTER (WHERE wait_event_type = 'Lock'), count(*)
FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()
"""
COMMITS = "SELECT count(*) FROM (SELECT DISTINCT xmin::text FROM events) AS transactions"


@dataclass(frozen=True)
class Measured:
    """So many instances in one round."""

    rate: float
    votes_per_commit: float
    open: float
    """Transactions that are open, on the average, …"""
    waiting: float
    """… and those of them that wait for a lock."""
    waited: float
    """Seconds that a transaction waits for locks, on the average."""


async def measure(url: str, ports: list[int], sent: list[bytes], voters: int) -> Measured:
    """Send all votes, and look at the locks meanwhile."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    before = await connection.fetchval(COMMITS)
    looks: list[tuple[int, int]] = []

    async def look() -> None:
        while True:
            looks.append(tuple(await connection.fetchrow(WAITING)))
            await asyncio.sleep(LOOK_SECONDS)

    looking = asyncio.create_task(look())
    votes, started = iter(sent), time.perf_counter()
    answered = await asyncio.gather(*(send_all(port, votes, voters // len(ports)) for port in ports))
    seconds = time.perf_counter() - started
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    commits = await connection.fetchval(COMMITS) - before
    await connection.close()
    if set().union(*(statuses for statuses, _ in answered)) != {200}:
        sys.exit(f"not every vote was accepted: {[dict(statuses) for statuses, _ in answered]}")
    waiting, opened = (statistics.mean(each) for each in zip(*looks, strict=True))
    return Measured(len(sent) / seconds, len(sent) / commits, opened, waiting, waiting * seconds / commits)


def main() -> None:
    """Measure 1, 2 and 4 instances in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--votes", type=int, default=6000)
    parser.add_argument("--voters", type=int, default=256, help="connections, each with one vote at a time")
    arguments = parser.parse_args()
    results: dict[int, list[Measured]] = {count: [] for count in INSTANCES}
    with running_postgres(durable=True) as postgres:
        for number, count in itertools.product(range(arguments.rounds), INSTANCES):
            with ExitStack() as stack:
                url = stack.enter_context(postgres.database())
                ids, environment = stack.enter_context(prepared(QUESTIONS, url))
                ports = [PORT + each for each in range(count)]
                for port in ports:
                    stack.enter_context(instance(port, environment, {SERVER_CORE, LOAD_CORE}))
                sent = list(ballots(ids, make_people(PORT, PEOPLE), arguments.votes, number))
                results[count].append(asyncio.run(measure(url, ports, sent, arguments.voters)))
    print("instances  votes/s  votes per commit  open transactions  waiting for a lock  waited, ms each")
    for count, rounds in results.items():
        names = ("rate", "votes_per_commit", "open", "waiting", "waited")
        rate, folded, opened, waiting, waited = (
            statistics.median(getattr(each, name) for each in rounds) for name in names
        )
        print(f"{count:>9}{rate:>9.0f}{folded:>18.1f}{opened:>19.2f}{waiting:>20.2f}{waited * 1000:>17.1f}")


if __name__ == "__main__":
    main()
