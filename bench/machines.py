"""Several processes for one service: what the relay costs, how late the others are, and what workers bring.

    python -m bench.machines [--rounds 3] [--quick]

PostgreSQL, and Valkey as the relay, run on all cores; the servers have one core each unless said otherwise. Ratios are
made in each round, figures are medians of the rounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.clients import Clients, clients
from bench.contenders import STREAM, Toggle
from bench.costs import REST_SECONDS, SETTLE_SECONDS
from bench.load import Callers
from bench.ours import Ours, instance, prepared
from bench.servers import LOAD_CORE, SERVER_CORE
from tests.servers.postgres import Postgres, running_postgres
from tests.servers.valkey import Valkey, valkey_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.servers import Running

PORT = 7800
SENTINELS = 64
SILENT_BUFFER = 1 << 18
"""Room for all that is written to a reader who doesn't read."""


@dataclass(frozen=True)
class Scale:
    """How much of everything."""

    streams: int = 2000
    events: int = 60
    posts: int = 200
    hall: int = 8000


QUICK = Scale(streams=300, events=20, posts=40, hall=1000)


class House:
    """Servers over one database, and readers of each."""

    def __init__(self, servers: Sequence[Running], readers: Sequence[Clients], ids: list[str]) -> None:
        self.servers = servers
        self.readers = readers
        self._toggle, self._callers = Toggle(Ours(servers[0], ids)), Callers(servers[0].port, 1)

    def cpu_seconds(self) -> float:
        """Of all servers."""
        return sum(server.cpu_seconds() for server in self.servers)

    def cost(self, times: int) -> float:
        """CPU seconds of all servers for one event, each at rest."""
        time.sleep(REST_SECONDS)
        before = self.cpu_seconds()
        for _ in range(times):
            self.deliver()
        return (self.cpu_seconds() - before) / times

    def deliver(self) -> list[float]:
        """One event to everybody; how many seconds after it was sent the last reader of each server had it."""
        for each in self.readers:
            each.mark()
        sent = time.monotonic()
        self._callers.together(self._toggle.everywhere(1))
        last = [each.wait(1).last - sent for each in self.readers]
        time.sleep(REST_SECONDS)
        return last


@contextmanager
def house(
    postgres: Postgres, relay: str, streams: Sequence[int], workers: int = 1, channel: str = "bench"
) -> Iterator[House]:
    """As many servers as there are numbers of streams."""
    cores = {SERVER_CORE} if workers == 1 else {SERVER_CORE, LOAD_CORE}
    with ExitStack() as stack:
        url = stack.enter_context(postgres.database())
        given = {"PULSESTAGE_RELAY_URL": relay, "PULSESTAGE_RELAY_CHANNEL": channel, "PULSESTAGE_WORKERS": str(workers)}
        ids, environment = stack.enter_context(prepared(1, url, **given))
        servers = [stack.enter_context(instance(PORT + number, environment, cores)) for number in range(len(streams))]
        readers = []
        for server, count in zip(servers, streams, strict=True):
            if count:
                readers.append(stack.enter_context(clients(server.port)))
                readers[-1].request(STREAM)
                readers[-1].open(count, 1)
        time.sleep(SETTLE_SECONDS)  # until the relay has come about, and the census
        yield House(servers, readers, ids)


def deliveries(postgres: Postgres, valkey: Valkey, scale: Scale) -> dict[str, float]:
    """CPU seconds per delivery: one process without a relay and with one, and two with one that share the streams."""
    found = {}
    half = scale.streams // 2
    for name, relay, streams in (
        ("alone", "memory", [scale.streams]),
        ("alone with redis", valkey.url, [scale.streams]),
        ("redis", valkey.url, [half, half]),
        ("postgres", "postgres", [half, half]),
    ):
        with house(postgres, relay, streams) as each:
            each.cost(6)
            found[f"delivery {name}"] = each.cost(scale.events) / scale.streams
    return found


def traffic(postgres: Postgres, valkey: Valkey, scale: Scale) -> dict[str, float]:
    """Bytes that the relay carries for one event to the other server, with few readers there and with many."""
    found = {}
    for name, streams in (("few", 1), ("many", scale.streams)):
        with house(postgres, valkey.url, [0, streams]) as each:
            each.cost(6)
            idle = _bytes_per_second(valkey)
            before, began = _out(valkey), time.monotonic()
            each.cost(scale.events)
            found[f"relay bytes {name}"] = (_out(valkey) - before - idle * (time.monotonic() - began)) / scale.events
    return found


def lateness(postgres: Postgres, valkey: Valkey, scale: Scale) -> dict[str, float]:
    """Seconds from sending a vote to its event on the last of so many screens: here, and at another server."""
    found = {}
    quarter = scale.streams // 4
    for name, relay in (("redis", valkey.url), ("postgres", "postgres")):
        with house(postgres, relay, [quarter, quarter]) as each:
            each.cost(6)
            delays = [each.deliver() for _ in range(scale.posts)]
        for where, times in zip(("here", "elsewhere"), zip(*delays, strict=True), strict=True):
            ordered = sorted(times)
            found[f"{name} {where} median"] = statistics.median(ordered)
            found[f"{name} {where} p99"] = ordered[round((len(ordered) - 1) * 0.99)]
    return found


def workers(postgres: Postgres, valkey: Valkey, scale: Scale) -> dict[str, float]:
    """Seconds from sending a vote until the servers have written its event to a hall: one worker, and four.

    They have all cores, and the hall leaves them to the servers: its readers are there and don't read. Some sentinels
    do. A server writes to who came first last, and they came first.
    """
    found = {}
    for count in (1, 4):
        with house(postgres, valkey.url, [SENTINELS], count) as each:
            (readers,) = each.readers
            readers.receive_buffer(SILENT_BUFFER)
            readers.open(scale.hall)
            readers.stop()
            each.cost(6)
            cpu = each.cpu_seconds()
            found[f"{count} workers seconds"] = statistics.median(each.deliver()[0] for _ in range(scale.events))
            found[f"{count} workers cpu"] = (each.cpu_seconds() - cpu) / scale.events
            if lost := readers.lost():
                sys.exit(f"{lost} streams were ended")
    return found


def _out(valkey: Valkey) -> int:
    return int(valkey.ask("INFO", "stats")["total_net_output_bytes"])


def _bytes_per_second(valkey: Valkey) -> float:
    """What is said without an event, pings above all."""
    before = _out(valkey)
    time.sleep(SETTLE_SECONDS)
    return (_out(valkey) - before) / SETTLE_SECONDS


PARTS = (deliveries, traffic, lateness, workers)
RATIOS = (
    ("deliveries per CPU second, Redis relay / one process", "delivery alone", "delivery redis", "≥ 0.9"),
    (
        "deliveries per CPU second, one process with Redis / without",
        "delivery alone",
        "delivery alone with redis",
        "≥ 0.9",
    ),
    ("deliveries per CPU second, PostgreSQL relay / one process", "delivery alone", "delivery postgres", "≥ 0.9"),
    ("relay traffic per event, many readers / one", "relay bytes many", "relay bytes few", "1"),
    ("last screen elsewhere / here, p99, Redis", "redis elsewhere p99", "redis here p99", "≤ 5"),
    ("last screen elsewhere / here, p99, PostgreSQL", "postgres elsewhere p99", "postgres here p99", "≤ 5"),
    ("fan-out to a hall, speed of four workers / one", "1 workers seconds", "4 workers seconds", "≥ 1.7"),
    ("   CPU per event, four workers / one", "4 workers cpu", "1 workers cpu", ""),
)


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(part.__name__ for part in PARTS), help="some of: %(default)s")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything: to see that it runs")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    scale = QUICK if arguments.quick else Scale()
    rounds: list[dict[str, float]] = []
    with running_postgres() as postgres, valkey_server() as valkey:
        for number in range(arguments.rounds):
            rounds.append({})
            for part in PARTS:
                if part.__name__ in arguments.only.split(","):
                    rounds[-1] |= part(postgres, valkey, scale)
                    print(f"round {number + 1}: {part.__name__}", file=sys.stderr, flush=True)
    print(f"{scale.streams:,} streams; medians of {arguments.rounds} round(s); {os.cpu_count()} cores")
    for name in rounds[0]:
        print(f"{name:<28}{statistics.median(each[name] for each in rounds):>16.9g}")
    for text, over, under, bar in RATIOS:
        if over in rounds[0]:
            ratios = [each[over] / each[under] for each in rounds]
            print(
                f"{text:<60}{statistics.median(ratios):>6.2f}  {bar:<6}  {' '.join(f'{each:.2f}' for each in ratios)}"
            )


if __name__ == "__main__":
    main()
