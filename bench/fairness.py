"""How a storm in one tenant changes another's latency: the engine alone, in one process, over real sockets.

    python -m bench.fairness [--streams 2000] [--seconds 5]

A hall has thousands of streams and, in the storm, 200 events a second; a room has one stream and 20 events a second.
Measured is the time from the moment at which the room's event is due to its arrival, in quiet and in the storm. For
comparison the same with one slice for all, as an engine would do it that writes a whole flush at once.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import select
import socket
import statistics
import time
from collections.abc import Callable

import uvloop

from bench.servers import LOAD_CORE, SERVER_CORE
from pulsestage.realtime import Hub, HubSettings, MemoryEventStore, SocketSink, StreamRequest

EPOCH = "e1"


def read_all(port: int, streams: int) -> None:
    """The hall's clients, in a process of their own: they only read."""
    os.nice(10)  # so that the room's client, on the same core, is not kept waiting by those
    poll = select.epoll()
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(streams)]
    for each in sockets:
        poll.register(each.fileno(), select.EPOLLIN)
    while all(os.read(descriptor, 1 << 20) for descriptor, _ in poll.poll()):
        pass


def read_room(port: int, report: int) -> None:
    """The room's client: how long after its due time each event arrives."""
    with socket.create_connection(("127.0.0.1", port)) as room:
        while data := room.recv(1 << 16):
            now = time.monotonic_ns()
            if b'"due":' in data:
                due = int(data.rpartition(b'"due":')[2].partition(b"}")[0])
                os.write(report, b"%d\n" % (now - due))


async def flood(hub: Hub, store: MemoryEventStore) -> None:
    """Votes in the hall, as they come when everybody votes."""
    for number in itertools.count():
        payload = b'{"questionId":"%d","upvotes":%d}' % (number % 20, number)
        event = store.append("hall", "question:upvoted", 0, {"public": payload}, key=str(number % 20))
        hub.append("hall", EPOCH, [event])
        await asyncio.sleep(0.005)


async def talk(hub: Hub, store: MemoryEventStore, seconds: float) -> None:
    """An event in the room every 50 ms; how late it is said counts too."""
    due = time.monotonic_ns()
    for _ in range(int(seconds * 20)):
        due += 50_000_000
        await asyncio.sleep((due - time.monotonic_ns()) / 1e9)
        event = store.append("room", "question:upvoted", 0, {"public": b'{"due":%d}' % due})
        hub.append("room", EPOCH, [event])


def begin(work: Callable[..., None], *arguments: int) -> int:
    """Do this in a process of its own; its id."""
    if child := os.fork():
        return child
    os.sched_setaffinity(0, {LOAD_CORE})
    work(*arguments)
    os._exit(0)


async def run(streams: int, seconds: float, slice_writes: int) -> list[tuple[float, float]]:
    """Median and 99th percentile in ms, in quiet and in the storm."""
    made: asyncio.Queue[asyncio.Transport] = asyncio.Queue()

    class Accept(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.put_nowait(transport)  # type: ignore[arg-type] # TCP gives a Transport

    server = await asyncio.get_running_loop().create_server(Accept, "127.0.0.1", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    store = MemoryEventStore()
    for tenant in ("hall", "room"):
        store.create(tenant, EPOCH)
    found = []
    async with Hub(store, HubSettings(slice_writes=slice_writes)) as hub:
        begin(read_room, port, theirs)
        await hub.subscribe(StreamRequest(tenant="room", audiences=("public",)), SocketSink(await made.get()))
        begin(read_all, port, streams)
        for _ in range(streams):
            await hub.subscribe(StreamRequest(tenant="hall", audiences=("public",)), SocketSink(await made.get()))
        os.sched_setaffinity(0, {SERVER_CORE})
        await talk(hub, store, 1)
        os.read(ours, 1 << 20)
        for storm in (False, True):
            async with asyncio.TaskGroup() as tasks:
                flooding = tasks.create_task(flood(hub, store)) if storm else None
                await talk(hub, store, seconds)
                if flooding is not None:
                    flooding.cancel()
            await asyncio.sleep(0.3)
            times = sorted(int(line) / 1e6 for line in os.read(ours, 1 << 20).split())
            found.append((statistics.median(times), times[int(len(times) * 0.99)]))
    server.close()
    return found


def main() -> None:
    """Measure both ways, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=5)
    arguments = parser.parse_args()
    print(f"{'ms until the room has its event':<34}{'median':>8}{'p99':>8}")
    for name, size in (("slices of 128", 128), ("one slice for all", 1_000_000)):
        results = uvloop.run(run(arguments.streams, arguments.seconds, size))
        for when, (median, late) in zip(("quiet", "storm in the hall"), results, strict=True):
            print(f"{name + ', ' + when:<34}{median:>8.2f}{late:>8.2f}")


if __name__ == "__main__":
    main()
