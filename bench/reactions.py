"""How our server behaves: with readers that stop, with readers that all come back, and how soon an event is there."""

from __future__ import annotations

import re
import statistics
import time

from bench.clients import Clients, clients
from bench.contenders import PORT, STREAM, Toggle, as_contender
from bench.costs import REST_SECONDS, SETTLE_SECONDS, Scale, cost
from bench.load import Caller, Callers, request
from bench.ours import Ours, pulsestage

SMALL_BUFFER = 4096
FLOOD_QUESTIONS = 50
FLOOD_SECONDS = 0.05
"""Between two volleys of votes on all questions: 1,000 events per second."""


def stopping(_frame: bytes, scale: Scale) -> dict[str, float]:
    """Some readers stop during a flood: the most memory, and the others' latencies, against a flood where all read."""
    found: dict[str, float] = {}
    with pulsestage(PORT, FLOOD_QUESTIONS) as ours, clients(PORT) as readers:
        readers.request(STREAM)
        readers.open(scale.screens - scale.shy, 1)
        readers.receive_buffer(SMALL_BUFFER)
        readers.open(scale.shy, 1)
        toggle, callers = Toggle(ours), Callers(PORT, FLOOD_QUESTIONS)
        _flood(toggle, callers, scale.flood // 4)  # what a first flood fills, such as the window, is no reader's doing
        for name in ("reading", "stopped"):
            if name == "stopped":
                readers.stop()
            time.sleep(1.0)
            readers.mark()
            ours.server.forget_peak()
            _flood(toggle, callers, scale.flood)
            time.sleep(1.0)
            found[f"{name} peak"] = ours.server.peak_bytes()
            found[f"{name} median"], found[f"{name} p99"] = readers.latencies()
            found[f"{name} lost"] = readers.lost()
            found[f"{name} slow"] = _metric("stream_slow_connections")
    return found


def _flood(toggle: Toggle, callers: Callers, events: int) -> None:
    due = time.monotonic()
    for _ in range(0, events, FLOOD_QUESTIONS):
        time.sleep(max(0.0, due - time.monotonic()))
        due += FLOOD_SECONDS
        callers.together(toggle.everywhere(FLOOD_QUESTIONS))


def returning(_frame: bytes, scale: Scale) -> dict[str, float]:
    """All readers but one come anew, and come back with a position a few hundred events old.

    Seconds of wall and CPU time per join, what was read by `read` per join (files and requests), and catch-ups: how
    often a stream read the log. "Again" is the same once more, when no stream had stayed to keep the window.
    """
    found: dict[str, float] = {}
    with pulsestage(PORT) as ours, clients(PORT) as readers:
        readers.request(STREAM)
        readers.open(1, 1)
        toggle, callers = Toggle(ours), Callers(PORT, len(ours.questions))
        position = _position(callers, toggle, ours)
        _joined(ours, readers, scale, 1)  # the first time, memory is new
        found |= _named("first", _joined(ours, readers, scale, 1))
        readers.request(f"{STREAM}&lastEventId={position}")
        found |= _named("back", _joined(ours, readers, scale, 1 + len(ours.questions), keep=0))
        found |= _named("again", _joined(ours, readers, scale, 1 + len(ours.questions), keep=0))
    return found


def _position(callers: Callers, toggle: Toggle, ours: Ours) -> str:
    """A position, followed by 300 events on 20 questions: the newest of each is what a reader that returns lacks."""
    (first, *others) = toggle.everywhere(len(ours.questions))
    caller = Caller(PORT)
    caller.send(first)
    head = caller.answer().decode()
    callers.together(others)
    for _ in range(300 // len(ours.questions)):
        callers.together(toggle.everywhere(len(ours.questions)))
    found = re.search(r"(?i)x-stream-position: *(\S+)", head)
    if found is None:
        raise LookupError("no position in the answer to a vote")
    return found[1]


def _joined(ours: Ours, readers: Clients, scale: Scale, events: int, keep: int = 1) -> tuple[float, ...]:
    """Join and leave, all but the first few."""
    reads, cpu, catch_ups = ours.server.bytes_read(), ours.server.cpu_seconds(), _metric("stream_catch_ups_total")
    wall = readers.open(scale.idle, events)
    time.sleep(REST_SECONDS)
    cpu = ours.server.cpu_seconds() - cpu
    reads = ours.server.bytes_read() - reads
    catch_ups = _metric("stream_catch_ups_total") - catch_ups
    readers.close(keep)
    while _metric("stream_connections") > keep:
        time.sleep(0.2)
    time.sleep(1.0)
    return wall / scale.idle, cpu / scale.idle, reads / scale.idle, catch_ups


def _named(name: str, joined: tuple[float, ...]) -> dict[str, float]:
    return {f"{name} {what}": value for what, value in zip(("wall", "cpu", "reads", "catch-ups"), joined, strict=True)}


def _metric(name: str) -> float:
    caller = Caller(PORT)
    caller.send(request("GET", "/metrics"))
    found = re.search(rf"(?m)^pulsestage_{name} (\S+)$", caller.answer().decode())
    return float(found[1]) if found else 0.0


def last_screen(_frame: bytes, scale: Scale) -> dict[str, float]:
    """Seconds from sending a vote to its event's arrival on the last screen, the server at rest."""
    found: dict[str, float] = {}
    with pulsestage(PORT) as ours:
        each = as_contender(ours)
        for name, screens in (("one", 1), ("all", scale.screens)):
            with clients(PORT) as readers:
                readers.request(STREAM)
                readers.open(screens, each.greeting)
                time.sleep(SETTLE_SECONDS)
                cost(ours.server, readers, each.publish, 5)
                delays = []
                for _ in range(scale.posts):
                    readers.mark()
                    sent = time.monotonic()
                    each.publish()
                    delays.append(readers.wait(1).last - sent)
                    time.sleep(REST_SECONDS)
            delays.sort()
            found[f"{name} screen median"] = statistics.median(delays)
            found[f"{name} screen p99"] = delays[round((len(delays) - 1) * 0.99)]
    return found
