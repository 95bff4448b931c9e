"""`python -m tests.chaos --seed N --seconds 300`: the chaos run, as a table. Exit code 1 if anything is wrong."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import INSTANCES, Chaos, chaos
from tests.chaos.schedule import Step, schedule

NOT_HERE = ("restarts", "stalls", "conflated frames", "catch ups")
"""What only the stress run counts."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="by chance if not given")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--clients", type=int, default=600)
    chosen = parser.parse_args()
    say(f"{INSTANCES} instances, {chosen.clients} clients, about {chosen.seconds:g} seconds, seed {chosen.seed}")
    try:
        with tempfile.TemporaryDirectory(prefix="pulsestage-chaos-") as directory:
            steps = schedule(chosen.seed, chosen.seconds, INSTANCES)
            run = asyncio.run(play(Path(directory), chosen.seed, chosen.clients, steps))
    except BaseException:
        say(f"The run with seed {chosen.seed} came to no end.")
        raise
    for line in table(run):
        say(line)
    return 0 if run.outcome.is_good else 1


async def play(directory: Path, seed: int, clients: int, steps: list[Step]) -> Chaos:
    """Build the house, and run it."""
    async with chaos(directory, seed, clients, steps) as run:
        await run.play()
    return run


def table(run: Chaos) -> list[str]:
    """What happened, in lines."""
    outcome = run.outcome
    counts, worst = run.delays.counts(), run.delays.worst()
    relay = ("messages", "messages dropped", "messages delayed", "messages repeated")
    return [
        *(f"{name:>26}  {number:>12,}" for name, number in outcome.rows() if name not in NOT_HERE),
        *(f"{f'relay {name}':>26}  {outcome.tally[f'relay {name}']:>12,}" for name in relay),
        f"{'fault':>26}  {'times':>12}  {'worst delay':>12}",
        *(f"{kind:>26}  {counts[kind] or '':>12}  {seconds:>10.2f} s" for kind, seconds in worst.items()),
        *outcome.findings.notes,
    ]


def say(line: str) -> None:
    """On stdout, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
