"""Where the CPU time of a lone request goes: ever more of a vote, each at rest, in one run.

    python -m bench.lone [--rounds 5] [--times 40]

Every request finds the server at rest for 40 ms, so that caches are cold as they are in life. Figures are CPU time of
the server's process with all its threads, from the request until 12 ms after it; medians.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bench.clients import clients
from bench.contenders import STREAM, Toggle
from bench.costs import REST_SECONDS
from bench.load import Caller, request
from bench.ours import ballot, make_people, pulsestage
from bench.servers import LOAD_CORE, Running, running

if TYPE_CHECKING:
    from collections.abc import Callable

EMPTY_PORT, PORT = 7794, 7795
AFTER_SECONDS = 0.012


def lone(server: Running, make_request: Callable[[], bytes], times: int, family: bytes = b"2") -> list[float]:
    """CPU microseconds of one request at a time."""
    caller, found = Caller(server.port, family), []
    for _ in range(times):
        time.sleep(REST_SECONDS)
        before = server.cpu_seconds()
        caller.send(make_request())
        caller.answer()
        time.sleep(AFTER_SECONDS)
        found.append((server.cpu_seconds() - before) * 1e6)
    return found


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--times", type=int, default=40)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    command = [sys.executable, str(Path(__file__).with_name("empty_route.py")), str(EMPTY_PORT)]
    nothing = request("POST", "/questions/0192f0c1-7a3e-7c64-9d0b-2f6a1c8e4b5d/upvote")
    found: dict[str, list[float]] = {}
    with running(command, EMPTY_PORT) as empty, pulsestage(PORT) as ours, clients(PORT) as readers:
        readers.request(STREAM)
        readers.open(1, 1)
        (cookie,) = make_people(PORT, 1)
        session = request("GET", "/session", {"X-Tenant-ID": "default", "Cookie": cookie})
        refused, toggle = ballot(cookie, ours.questions[1], up=False), Toggle(ours)
        for number in range(arguments.rounds + 1):
            measured = {
                "an empty FastAPI route": lone(empty, lambda: nothing, arguments.times),
                "GET /session": lone(ours.server, lambda: session, arguments.times),
                "a vote that is refused": lone(ours.server, lambda: refused, arguments.times, b"4"),
                "a vote, with one stream": lone(ours.server, lambda: toggle.everywhere(1)[0], arguments.times),
            }
            for name, times in measured.items() if number else ():  # the first round warms up
                found.setdefault(name, []).extend(times)
    for name, each in found.items():
        print(f"{name:<28}{median(each):>8.0f} µs")


if __name__ == "__main__":
    main()
