"""Votes over HTTP: folded against one transaction each, and against an empty FastAPI route, in one run.

    python -m bench.votes [--rounds 3] [--votes 6000]

Each round starts every server anew, on one core, and lets 64 connections send votes of 1,000 people for 20 questions.
On SQLite as it is configured (every commit waits for the disk), and on a PostgreSQL that does the same.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from bench.load import request, send_all
from bench.ours import ballot, make_people, pulsestage
from bench.servers import LOAD_CORE, running
from tests.servers.postgres import running_postgres

VOTERS, QUESTIONS, PEOPLE = 64, 20, 1000
PORT = 7790


@dataclass(frozen=True)
class Measured:
    """One server in one round."""

    rate: float
    cpu_micros: float


def ballots(ids: list[str], people: list[str], count: int, seed: int) -> Iterator[bytes]:
    """Different votes in random order."""
    pairs = list(itertools.product(people, ids))
    random.Random(seed).shuffle(pairs)  # noqa: S311 - repeatable on purpose
    for cookie, question_id in pairs[:count]:
        yield ballot(cookie, question_id)


def measure_pulsestage(database_url: str, batch_limit: int, count: int, seed: int) -> Measured:
    """One round of our server."""
    with pulsestage(PORT, QUESTIONS, database_url, batch_limit) as ours:
        requests = list(ballots(ours.questions, make_people(PORT, PEOPLE), count, seed))
        before, started = ours.server.cpu_seconds(), time.perf_counter()
        statuses, _ = asyncio.run(send_all(PORT, iter(requests), VOTERS))
        seconds, cpu = time.perf_counter() - started, ours.server.cpu_seconds() - before
    if statuses != {200: count}:
        sys.exit(f"not every vote was accepted: {dict(statuses)}")
    return Measured(count / seconds, cpu / count * 1e6)


def measure_empty(count: int) -> Measured:
    """One round of the yardstick."""
    command = [sys.executable, str(Path(__file__).with_name("empty_route.py")), str(PORT)]
    sent = [request("POST", "/questions/0192f0c1-7a3e-7c64-9d0b-2f6a1c8e4b5d/upvote")] * count
    with running(command, PORT) as server:
        asyncio.run(send_all(PORT, iter(sent[:500]), VOTERS))
        before, started = server.cpu_seconds(), time.perf_counter()
        asyncio.run(send_all(PORT, iter(sent), VOTERS))
        return Measured(count / (time.perf_counter() - started), (server.cpu_seconds() - before) / count * 1e6)


def compare(count: int, rounds: int, url_of_round: Callable[[], AbstractContextManager[str]]) -> None:
    """Measure one database, and print the medians."""
    results: dict[str, list[Measured]] = {"folded": [], "one by one": [], "empty route": []}
    for number in range(rounds):
        results["empty route"].append(measure_empty(count))
        with url_of_round() as url:
            results["folded"].append(measure_pulsestage(url, 500, count, number))
        with url_of_round() as url:
            results["one by one"].append(measure_pulsestage(url, 1, count // 8, number))
    rates = {name: statistics.median(each.rate for each in measured) for name, measured in results.items()}
    costs = {name: statistics.median(each.cpu_micros for each in measured) for name, measured in results.items()}
    for name in results:
        print(f"{name:<14}{rates[name]:>10.0f}{costs[name]:>14.0f}")
    print(f"rate, folded / one by one: {rates['folded'] / rates['one by one']:.1f}")
    print(f"CPU per vote, folded / empty route: {costs['folded'] / costs['empty route']:.2f}")


def main() -> None:
    """Measure both databases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--votes", type=int, default=6000)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    print(f"{'SQLite':<14}{'votes/s':>10}{'CPU µs/vote':>14}")
    compare(arguments.votes, arguments.rounds, lambda: nullcontext(""))
    with running_postgres(durable=True) as postgres:
        print(f"{'PostgreSQL':<14}{'votes/s':>10}{'CPU µs/vote':>14}")
        compare(arguments.votes, arguments.rounds, postgres.database)


if __name__ == "__main__":
    main()
