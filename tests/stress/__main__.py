"""`python -m tests.stress --seed N --seconds 60`: the stress run, as a table. Exit code 1 if anything is wrong."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from tests.stress.goodbyes import say_goodbye
from tests.stress.run import stress

STREAMS = 1000
MOST_SECONDS = 2.0
"""How long a server with so many streams may take to stop."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="by chance if not given")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=300)
    chosen = parser.parse_args()
    say(f"{chosen.clients} clients for {chosen.seconds:g} seconds, seed {chosen.seed}")
    try:
        with tempfile.TemporaryDirectory(prefix="pulsestage-stress-") as directory:
            outcome = asyncio.run(stress(Path(directory), chosen.seed, chosen.clients).run(chosen.seconds))
        with tempfile.TemporaryDirectory(prefix="pulsestage-stress-") as directory:
            farewell = asyncio.run(say_goodbye(Path(directory), STREAMS))
    except BaseException:
        say(f"The run with seed {chosen.seed} came to no end.")
        raise
    say(f"{'seed':>20}  {chosen.seed}")
    for name, number in outcome.rows():
        say(f"{name:>20}  {number:,}")
    say(f"{'goodbyes':>20}  {farewell.goodbyes:,} of {farewell.streams:,}")
    say(f"{'stopped after':>20}  {farewell.seconds:.2f} s, exit code {farewell.exit_code}")
    for note in outcome.findings.notes:
        say(note)
    stopped_well = (farewell.goodbyes, farewell.exit_code) == (farewell.streams, 0)
    return 0 if outcome.is_good and stopped_well and farewell.seconds <= MOST_SECONDS else 1


def say(line: str) -> None:
    """On stdout, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
