"""Clients that do what no client should: the others go on as if nothing were, and later nothing is left of them."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import subprocess
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.live.hostile import crowd, sip, streams
from tests.live.venue import Venue
from tests.stress.caller import Caller
from tests.stress.connection import Connection, asking, connect
from tests.stress.history import frame_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

REPOSITORY = Path(__file__).parents[2]
MANY = 30
SILENT = 10_000
SETTINGS = {
    "stall_seconds": 1,
    "heartbeat_seconds": 1.5,
    "window_events": 100,
    "max_connections": SILENT + 100,
}
FLOOD = 120
"""Questions of 6 KB: more than both kernels hold of a stream that nobody reads."""
PATIENCE_SECONDS = 20
MOST_MORE_KB = 8_192


@dataclass(frozen=True)
class Burden:
    """What the server holds."""

    streams: int
    files: int
    memory_kb: int


class Site:
    """A server, somebody who asks, and a witness who must be told every question in order."""

    def __init__(self, venue: Venue) -> None:
        self.port = venue.settings.port
        self._venue = venue
        self._asked: list[str] = []
        self._told: list[str] = []
        self._news = asyncio.Event()
        self._witness: Connection | None = None

    async def open(self) -> None:
        """Let the witness follow."""
        self._witness = await connect(self.port, asking("tenantId=default"), self._note, small=False)

    async def ask(self, count: int = 1, padding: str = "") -> None:
        """Ask over a new connection; the witness is told."""
        caller = Caller(self.port)
        for _ in range(count):
            self._asked.append(f"Is this the {len(self._asked)}. question?{padding}")
            answer = await caller.request("POST", "/questions", body={"body": self._asked[-1]})
            assert answer.status == 201
        caller.close()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self._told) < len(self._asked):
                self._news.clear()
                await self._news.wait()
        assert self._told == self._asked

    async def flood(self) -> None:
        """Large events."""
        await self.ask(FLOOD, "\u4e00" * 1900)

    async def metric(self, name: str) -> int:
        """What the server counts."""
        caller = Caller(self.port)
        page = (await caller.request("GET", "/metrics")).content.decode()
        caller.close()
        found = re.search(rf"^pulsestage_stream_{name} (\S+)$", page, re.MULTILINE)
        assert found is not None
        return int(float(found[1]))

    async def has_only_the_witness(self) -> None:
        """Wait until the server knows of nobody else."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.metric("connections") > 1:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.02)

    async def burden(self) -> Burden:
        """What it holds when all have gone; connections end a moment after their last byte."""
        await self.has_only_the_witness()
        files = await self._files()
        status = (Path("/proc") / str(self._venue.pid) / "status").read_text()
        return Burden(await self.metric("connections"), files, int(status.partition("VmRSS:")[2].split()[0]))

    async def _files(self) -> int:
        """How many it has open, once that is the same for a while."""
        counts = [-1]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(counts) < 6 or len({*counts[-5:]}) > 1:
                counts.append(len([*(Path("/proc") / str(self._venue.pid) / "fd").iterdir()]))
                await asyncio.sleep(0.02)
        return counts[-1]

    def _note(self, frames: list[bytes]) -> None:
        self._told += [frame_of(frame).data["body"] for frame in frames if b"question:created" in frame]
        self._news.set()


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    venue = Venue(tmp_path_factory.mktemp("faults"), **SETTINGS)
    await venue.start()
    site = Site(venue)
    await site.open()
    yield site
    assert await venue.stop() == 0
    assert "Traceback" not in venue.log


async def who_babble_a_little(site: Site) -> None:
    """They stay: what they say is dropped, and they are served."""
    async with streams(site.port, MANY, after=b"GET / HTTP/1.1\r\n\r\n" * 20) as sockets:
        await site.ask()
        assert await site.metric("connections") == MANY + 1
        loop = asyncio.get_running_loop()
        for sock in sockets:
            async with asyncio.timeout(PATIENCE_SECONDS):
                told = b""
                while b"question:created" not in told:
                    told += await loop.sock_recv(sock, 4096)


async def who_babble_on(site: Site) -> None:
    """They are sent away."""
    async with streams(site.port, MANY, after=b"\0\xff\r\n" * 50_000):
        await site.ask()
        await site.has_only_the_witness()


async def who_never_read(site: Site) -> None:
    """Their streams end once they have taken nothing for long enough."""
    async with streams(site.port, MANY):
        await site.flood()
        await site.has_only_the_witness()


async def who_read_a_byte_a_second(site: Site) -> None:
    """A byte a second is nothing."""
    async with streams(site.port, MANY) as sockets:
        sipping = asyncio.create_task(sip(sockets, 1.0))
        await site.flood()
        await site.has_only_the_witness()
        sipping.cancel()


async def who_are_frozen(site: Site) -> None:
    """Their kernel acknowledges, and nobody reads: a laptop that was closed."""
    with crowd(site.port, MANY, "/sse") as process:
        await asyncio.to_thread(process.stdout.readline)  # type: ignore[union-attr] # it is a pipe
        process.send_signal(signal.SIGSTOP)
        await site.flood()
        await site.has_only_the_witness()


async def who_are_killed(site: Site) -> None:
    """Nobody says goodbye."""
    with crowd(site.port, MANY, "/sse") as process:
        await asyncio.to_thread(process.stdout.readline)  # type: ignore[union-attr] # likewise
        await site.ask()
        process.kill()
        await site.has_only_the_witness()


async def who_say_nothing(site: Site) -> None:
    """There is room for the others; when there is none left, they are told so."""
    with crowd(site.port, SILENT) as process:
        await asyncio.to_thread(process.stdout.readline)  # type: ignore[union-attr] # likewise
        await site.ask()
        async with asyncio.timeout(PATIENCE_SECONDS), AsyncExitStack() as stack:
            statuses = {200}
            while statuses == {200}:
                # A few of those without a word may still be on their way in: how much room there is, nobody knows.
                # Many at a time, since silent connections are closed after a while and make room again.
                callers = [Caller(site.port) for _ in range(20)]
                for caller in callers:
                    stack.callback(caller.close)
                answers = await asyncio.gather(*(caller.request("GET", "/health") for caller in callers))
                statuses = {answer.status for answer in answers}
        assert 503 in statuses


@pytest.mark.parametrize(
    "they",
    [
        who_babble_a_little,
        who_babble_on,
        who_never_read,
        who_read_a_byte_a_second,
        who_are_frozen,
        who_are_killed,
        who_say_nothing,
    ],
    ids=lambda they: they.__name__.replace("_", " "),
)
async def test_nobody_notices_those(site: Site, they: Callable[[Site], Awaitable[None]]) -> None:
    await they(site)  # the first time some things are made that stay
    before = await site.burden()
    for _ in range(3):
        await they(site)
        await site.ask()
        after = await site.burden()
        assert (after.streams, after.files) == (before.streams, before.files)
        more_kb = after.memory_kb - before.memory_kb
        if more_kb < MOST_MORE_KB:
            return
        before = after  # a leak grows each time, fragmentation does not
    raise AssertionError("more memory each time")


def test_nobody_notices_those_who_vanish(tmp_path: Path) -> None:
    """In a network namespace, whose addresses are ours to take away; most machines let anybody have one."""
    apart = ["unshare", "--user", "--map-root-user", "--net"]
    if shutil.which("unshare") is None or subprocess.run([*apart, "true"], check=False).returncode:
        pytest.skip("this machine gives us no network namespace")
    command = [*apart, sys.executable, "-m", "tests.live.vanishing", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, check=False, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr
