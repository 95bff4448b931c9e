"""One event to thousands of readers: what it costs, beside other servers, and how readers disturb each other.

    python -m bench.fanout [--rounds 3] [--only delivery,votes,...] [--quick]

The server under measurement has one core, readers and publishers the other. Every part starts its servers anew in each
round; figures are medians of the rounds. Our server is the one that `pulsestage serve` starts; its events are votes
over HTTP, and their cost is in every figure. Peers that aren't installed are named.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING

from bench import costs, reactions
from bench.contenders import NAMES, missing, sample_frame
from bench.costs import QUICK, Scale
from bench.servers import LOAD_CORE
from bench.table import print_table

if TYPE_CHECKING:
    from collections.abc import Callable


def delivery(frame: bytes, scale: Scale) -> dict[str, float]:
    """Every contender that is here."""
    found: dict[str, float] = {}
    absent = missing()
    for name in NAMES:
        if name not in absent:
            found |= costs.memory_and_cpu(name, frame, scale)
    return found


PARTS: dict[str, Callable[[bytes, Scale], dict[str, float]]] = {
    "delivery": delivery,
    "batches": costs.batches,
    "votes": costs.votes,
    "gzip": costs.gzip,
    "stopping": reactions.stopping,
    "returning": reactions.returning,
    "screens": reactions.last_screen,
}


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(PARTS), help="some of: %(default)s")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything: to see that it runs")
    arguments = parser.parse_args()
    wanted = [part for part in PARTS if part in arguments.only.split(",")]
    if unknown := set(arguments.only.split(",")) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}")
    os.sched_setaffinity(0, {LOAD_CORE})
    scale, frame = QUICK if arguments.quick else Scale(), sample_frame()
    rounds = [_round(number, wanted, frame, scale) for number in range(1, arguments.rounds + 1)]
    print(
        f"{scale.streams:,} streams, an event of {len(frame)} bytes, {scale.idle:,} idle or returning streams; "
        f"{scale.shy} of {scale.screens:,} stop reading in {scale.flood:,} events; "
        f"medians of {arguments.rounds} round(s); {os.cpu_count()} cores"
    )
    print_table(rounds)
    for name, needed in missing().items():
        print(f"NOT INSTALLED and so not measured: {name} ({needed})")


def _round(number: int, wanted: list[str], frame: bytes, scale: Scale) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in wanted:
        started = time.monotonic()
        found |= PARTS[part](frame, scale)
        print(f"round {number}: {part}, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    main()
