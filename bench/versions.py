"""Whether a change made the fan-out dearer: two checkouts' servers side by side, event by event.

    python -m bench.versions --other ../before [--rounds 5] [--streams 2000] [--events 60]

The other checkout needs a `.venv` of its own (`make install`). Both servers run at the same time on one core and are
given events in turn, so that what else the machine does disturbs both alike. Figures are CPU time per delivered event;
ratios are of the same round.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bench.clients import clients
from bench.contenders import STREAM, as_contender
from bench.costs import cost
from bench.ours import NO_LIMITS, Ours, make_people
from bench.servers import LOAD_CORE, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PORTS = (7792, 7793)


@contextmanager
def served(python: str, port: int) -> Iterator[Ours]:
    """The server that this interpreter has installed, on a new database with one question."""
    with tempfile.TemporaryDirectory() as folder:
        command = [python, "-m", "pulsestage", "serve", "--port", str(port)]
        with running(command, port, {**NO_LIMITS, "PULSESTAGE_DATA_DIR": folder}) as server:
            yield Ours(server, [_ask(port)])


def _ask(port: int) -> str:
    (cookie,) = make_people(port, 1)
    connection = HTTPConnection("127.0.0.1", port)
    headers = {"Content-Type": "application/json", "Cookie": cookie}
    connection.request("POST", "/questions", json.dumps({"body": "What does an event cost?"}), headers)
    return str(json.load(connection.getresponse())["id"])


@contextmanager
def delivery(ours: Ours, streams: int) -> Iterator[Callable[[int], float]]:
    """Gives the CPU seconds of one event for one stream, measured over so many events."""
    each = as_contender(ours)
    with clients(ours.server.port) as readers:
        readers.request(STREAM)
        readers.open(streams, each.greeting)
        cost(ours.server, readers, each.publish, 5)
        yield lambda events: cost(ours.server, readers, each.publish, events) / streams


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--other", type=Path, required=True, help="the checkout to compare with")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--events", type=int, default=60)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    pythons = (str(arguments.other / ".venv/bin/python"), sys.executable)
    rounds: list[tuple[float, float]] = []
    with ExitStack() as stack:
        both = [
            stack.enter_context(delivery(stack.enter_context(served(python, port)), arguments.streams))
            for python, port in zip(pythons, PORTS, strict=True)
        ]
        for number in range(arguments.rounds):
            spent = [0.0, 0.0]
            for turn in range(arguments.events // 5):
                for which in (0, 1) if (number + turn) % 2 else (1, 0):
                    spent[which] += both[which](5)
            old, new = (each * 5e6 / arguments.events for each in spent)
            rounds.append((old, new))
            print(f"round {number + 1}: other {old:.2f} µs, this {new:.2f} µs, ratio {new / old:.3f}", flush=True)
    print(f"{arguments.streams:,} streams, {arguments.events} events a round, medians of {arguments.rounds} rounds")
    print(f"other {median(old for old, _ in rounds):.2f} µs, this {median(new for _, new in rounds):.2f} µs", end=", ")
    print(f"ratio {median(new / old for old, new in rounds):.3f}")


if __name__ == "__main__":
    main()
