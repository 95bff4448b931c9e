"""`python -m tests.restarts`: servers that are stopped under load, as tables. Exit code 1 if an answer is missing."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.deploy.proxies import KINDS
from tests.restarts.caller import Record
from tests.restarts.direct import stop_under_load
from tests.restarts.rolling import roll
from tests.servers.postgres import running_postgres

if TYPE_CHECKING:
    from tests.restarts.caller import Asked

STOPS = 6
CALLERS = 30
CALLERS_BEHIND_PROXY = 4


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.restarts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="rolling restarts behind the proxies")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pulsestage-restarts-") as directory:
        faults = asyncio.run(direct(Path(directory))) + asyncio.run(behind_proxies(Path(directory), chosen.rounds))
    return 1 if faults else 0


async def direct(directory: Path) -> int:
    """Kept connections to one process, and to two workers."""
    say(f"{CALLERS} callers on kept connections, {STOPS} stops")
    say(f"{'':>10}  {'requests':>9}  " + "  ".join(Record().faults([])))
    faults = 0
    for name, workers in (("process", 1), ("2 workers", 2)):
        room = directory / name
        room.mkdir()
        record, questions = await stop_under_load(room, STOPS, CALLERS, workers=workers)
        faults += judge(name, record, questions)
    return faults


async def behind_proxies(directory: Path, rounds: int) -> int:
    """Two instances behind every proxy."""
    say(f"two instances behind each proxy, {rounds} rolling restarts")
    with running_postgres() as postgres, postgres.database() as url:
        rolled = await roll(directory, list(KINDS), url, rounds, callers=CALLERS_BEHIND_PROXY)
    faults = sum(judge(name, record, rolled.questions) for name, record in rolled.records.items())
    wrong = rolled.wrongly_told
    say(f"{len(rolled.told)} followers, {rolled.goodbyes} goodbyes, {wrong} followers with events lost or doubled")
    return faults + wrong


def judge(name: str, record: Record, questions: list[Asked]) -> int:
    """Print a line of the table. The number of faults."""
    faults = record.faults(questions)
    say(f"{name:>10}  {record.requests:>9,}" + "".join(f"  {number:>{len(fault)}}" for fault, number in faults.items()))
    for each in record.unanswered:
        say(f"{'':>10}  unanswered: {each}")
    return sum(faults.values())


def say(line: str) -> None:
    """On stdout, at once."""
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
