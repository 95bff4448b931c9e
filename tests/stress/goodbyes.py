"""A server that is told to stop while many follow: who gets their goodbye, and how long it takes."""

from __future__ import annotations

import asyncio
import resource
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.live.venue import Venue
from tests.stress.connection import Connection, asking, connect
from tests.stress.history import frame_of

if TYPE_CHECKING:
    from pathlib import Path

AT_ONCE = 100
OTHER_FILES = 200


@dataclass(frozen=True)
class Farewell:
    """What came of it."""

    streams: int
    goodbyes: int
    """Streams whose last frame was a whole goodbye, with a time to come back after it, and then the end."""
    exit_code: int
    seconds: float
    """From the signal to the end of the process."""


async def say_goodbye(directory: Path, streams: int, **settings: int) -> Farewell:
    """Open so many streams of a new server, and send it SIGTERM."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, streams + OTHER_FILES), hard), hard))
    venue = Venue(directory, **settings)
    await venue.start()
    last: dict[int, bytes] = {}
    request = asking("tenantId=default")
    connections: list[Connection] = []

    async def open_one(number: int) -> None:
        def take(frames: list[bytes]) -> None:
            last[number] = frames[-1]

        connections.append(await connect(venue.settings.port, request, take, small=False))

    try:
        for begin in range(0, streams, AT_ONCE):
            async with asyncio.TaskGroup() as tasks:
                for number in range(begin, min(begin + AT_ONCE, streams)):
                    tasks.create_task(open_one(number))
        begun = time.monotonic()
        stopping = asyncio.create_task(venue.stop(signal.SIGTERM))
        await asyncio.gather(*(connection.ended.wait() for connection in connections))
        exit_code = await stopping
        seconds = time.monotonic() - begun
    finally:
        for connection in connections:
            connection.close()
        await venue.stop(signal.SIGKILL)
    halves = sum(bool(connection.rest) for connection in connections)
    whole = sum(frame_of(frame).type == "goodbye" and bool(frame_of(frame).retry) for frame in last.values())
    return Farewell(streams, whole - halves, exit_code, seconds)
