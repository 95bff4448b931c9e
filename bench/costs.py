"""What an event and a connection cost: CPU time and memory of the server's process."""

from __future__ import annotations

import itertools
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.clients import Clients, clients
from bench.contenders import PORT, STREAM, Toggle, as_contender, contender
from bench.load import Callers
from bench.ours import ballot, make_people, pulsestage

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.servers import Running

REST_SECONDS = 0.04
"""Longer than a flush interval: the next event finds the server at rest."""
SETTLE_SECONDS = 3.0
WARM_UP = 300


@dataclass(frozen=True)
class Scale:
    """How much of everything."""

    streams: int = 2000
    idle: int = 5000
    screens: int = 1000
    shy: int = 50
    events: int = 60
    posts: int = 200
    vote_seconds: float = 6.0
    flood: int = 20_000


QUICK = Scale(streams=300, idle=500, screens=200, shy=10, events=20, posts=40, vote_seconds=2.0, flood=2_000)


def cost(server: Running, readers: Clients, publish: Callable[[], None], times: int, events: int = 1) -> float:
    """CPU seconds of one `publish` that makes so many events for each reader, each time at rest."""
    time.sleep(REST_SECONDS)
    before = server.cpu_seconds()
    for _ in range(times):
        readers.mark()
        publish()
        readers.wait(events)
        time.sleep(REST_SECONDS)
    return (server.cpu_seconds() - before) / times


def memory_and_cpu(name: str, frame: bytes, scale: Scale) -> dict[str, float]:
    """Of any contender: resident bytes per idle connection, CPU seconds per delivered event."""
    with contender(name, frame) as each, clients(PORT) as readers:
        readers.request(each.stream)
        readers.open(WARM_UP, each.greeting)
        time.sleep(SETTLE_SECONDS)
        before = each.server.resident_bytes()
        readers.open(scale.idle, each.greeting)
        time.sleep(SETTLE_SECONDS)
        memory = (each.server.resident_bytes() - before) / scale.idle
        readers.close(keep=scale.streams)
        time.sleep(SETTLE_SECONDS)
        cost(each.server, readers, each.publish, 5)
        delivery = cost(each.server, readers, each.publish, scale.events) / scale.streams
    return {f"memory {name}": memory, f"delivery {name}": delivery}


def batches(_frame: bytes, scale: Scale) -> dict[str, float]:
    """Of ours: one event without readers, one event, ten together; each in CPU seconds, per reader if there are any."""
    with pulsestage(PORT) as ours, clients(PORT) as readers:
        each, toggle, callers = as_contender(ours), Toggle(ours), Callers(PORT, 10)
        readers.request(STREAM)
        alone = cost(ours.server, readers, each.publish, scale.events)
        readers.open(scale.streams, each.greeting)
        cost(ours.server, readers, each.publish, 5)
        one = cost(ours.server, readers, each.publish, scale.events)
        ten = cost(ours.server, readers, lambda: callers.together(toggle.everywhere(10)), scale.events, 10)
    return {"alone": alone, "one": one / scale.streams, "ten": ten / scale.streams}


def gzip(_frame: bytes, scale: Scale) -> dict[str, float]:
    """Of ours: CPU seconds and bytes per delivered event, as they are and compressed."""
    found: dict[str, float] = {}
    with pulsestage(PORT) as ours:
        each = as_contender(ours)
        for encoding in ("identity", "gzip"):
            with clients(PORT) as readers:
                readers.request(STREAM, Accept_Encoding=encoding)
                readers.open(scale.streams)
                time.sleep(SETTLE_SECONDS)
                found[f"{encoding} cpu"], found[f"{encoding} bytes"] = _cost_in_bytes(
                    ours.server, readers, each.publish, scale
                )
            time.sleep(SETTLE_SECONDS)
    return found


def _cost_in_bytes(server: Running, readers: Clients, publish: Callable[[], None], scale: Scale) -> tuple[float, float]:
    """CPU seconds and bytes per delivery; compressed events can't be counted, and so arrivals are."""
    sizes = 0
    before = server.cpu_seconds()
    for _ in range(scale.events):
        readers.mark()
        publish()
        readers.wait(1, "bytes")
        time.sleep(REST_SECONDS)
        sizes += readers.counted()[1]
    deliveries = scale.events * scale.streams
    return (server.cpu_seconds() - before) / deliveries, sizes / deliveries


def votes(_frame: bytes, scale: Scale) -> dict[str, float]:
    """Of ours: 500 votes per second of different people on 20 questions, with readers and without.

    CPU seconds per reader and second, beside those of one event alone; and how busy the server's core was.
    """
    rate = 500.0
    with pulsestage(PORT) as ours, clients(PORT) as readers:
        count = int(rate * scale.vote_seconds)
        pairs = list(itertools.product(make_people(PORT, count // 8), ours.questions))
        random.Random(1).shuffle(pairs)  # noqa: S311 - repeatable on purpose
        requests = [ballot(cookie, question_id) for cookie, question_id in pairs]
        callers, each = Callers(PORT, 100), as_contender(ours)
        unheard, _ = _busy(ours.server, callers, requests[:count], rate)
        readers.request(STREAM)
        readers.open(scale.streams, each.greeting)
        one = cost(ours.server, readers, each.publish, scale.events)
        readers.mark()
        heard, seconds = _busy(ours.server, callers, requests[count : 2 * count], rate)
        events, _ = readers.counted()
    per_reader = scale.streams * seconds
    return {
        "votes cpu": (heard - unheard) * seconds / per_reader,
        "votes one write each": rate * one / scale.streams,
        "votes busy": heard,
        "votes events": events / per_reader,
        "votes rate": count / seconds,
    }


def _busy(server: Running, callers: Callers, requests: list[bytes], rate: float) -> tuple[float, float]:
    """Share of the core that these requests take, and how long they took."""
    before = server.cpu_seconds()
    seconds = callers.at_rate(requests, rate)
    time.sleep(REST_SECONDS)
    return (server.cpu_seconds() - before) / seconds, seconds
