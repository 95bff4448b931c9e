"""A worker's place: the sockets it listens on, and the worker that is there now.

Each place has a listening socket of its own on the common address, with SO_REUSEPORT, so that the kernel spreads
connections evenly. The supervisor keeps a copy, and whoever comes next in this place is given the same: at a restart no
socket is closed, and what waits in its queue is accepted by one or the other (ADR 13).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from typing import TYPE_CHECKING, Final

from pulsestage.server.duty import Duty
from pulsestage.server.errors import WorkerFailed
from pulsestage.server.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulsestage.settings import Settings

log = logging.getLogger("pulsestage.server")

START_SECONDS: Final = 60.0
"""How long a worker may take to be ready."""
GRACE_SECONDS: Final = 5.0
"""How long a worker may take to stop, beyond what requests may take: goodbyes, the last votes, the database."""
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 10.0


class Slot:
    """The place of worker `number`: `shared` are its sockets on the common address, `own` those where it is alone."""

    def __init__(
        self,
        number: int,
        settings: Settings,
        command: Sequence[str],
        shared: list[socket.socket],
        own: list[socket.socket],
    ) -> None:
        self.number = number
        self.alive: list[Worker] = []
        self._settings = settings
        self._command = command
        self._shared = shared
        self._own = own
        self._worker: Worker | None = None
        self._changing = asyncio.Lock()

    async def fill(self) -> None:
        """Start a worker, and wait until it is ready; until then nothing changes. Raises WorkerFailed."""
        listeners = tuple(each.fileno() for each in (*self._shared, *self._own))
        worker = await Worker.start(self._command, Duty(self.number, listeners, dict(self._settings)))
        self.alive.append(worker)
        try:
            async with asyncio.timeout(START_SECONDS):
                await worker.ready()
        except TimeoutError:
            worker.kill()
            await self._see_off(worker)
            raise WorkerFailed(f"It was not ready within {START_SECONDS:.0f} seconds.") from None
        except WorkerFailed:
            self.alive.remove(worker)
            raise
        self._worker = worker
        log.info("Worker %d is ready (process %d)", self.number, worker.pid)

    async def replace(self) -> None:
        """Put a new worker here, then let the old one go. Raises WorkerFailed; then the old one stays."""
        async with self._changing:
            old = self._worker
            await self.fill()
            if old is not None:
                old.retire()
                await self._see_off(old)

    async def keep(self) -> None:
        """Put another worker here whenever one leaves that nobody told to. Runs until it is cancelled."""
        pause = FIRST_PAUSE_SECONDS
        while (worker := self._worker) is not None:
            since = time.monotonic()
            how = await worker.left()
            if worker is not self._worker:
                continue  # replaced
            self._reopen()
            log.error("Worker %d (process %d) %s; starting another one", self.number, worker.pid, how)
            if time.monotonic() - since > LONGEST_PAUSE_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            while worker is self._worker:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
                await self._try_again(worker)

    def close(self) -> None:
        """Give the addresses back."""
        for each in (*self._shared, *self._own):
            each.close()

    async def _try_again(self, gone: Worker) -> None:
        async with self._changing:
            if gone is not self._worker:
                return
            try:
                await self.fill()
            except WorkerFailed as error:
                log.error("Worker %d could not start: %s", self.number, error)  # noqa: TRY400 - a sentence says it all
            else:
                await self._see_off(gone)

    async def _see_off(self, worker: Worker) -> None:
        try:
            async with asyncio.timeout(self._settings.drain_seconds + self._settings.shutdown_seconds + GRACE_SECONDS):
                await worker.ended()
        except TimeoutError:
            log.warning("Worker %d (process %d) does not stop, and is killed", self.number, worker.pid)
            worker.kill()
            await worker.ended()
        self.alive.remove(worker)

    def _reopen(self) -> None:
        """Have the siblings take the connections: nobody accepts from this socket for some time."""
        fresh = [sibling(each) for each in self._shared]
        for each in self._shared:
            each.close()
        self._shared = fresh


def sibling(bound: socket.socket) -> socket.socket:
    """Another socket on the same address. It gets connections as soon as it listens."""
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    twin = socket.socket(bound.family, bound.type, bound.proto)
    try:
        twin.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        twin.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if bound.family == socket.AF_INET6:
            twin.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        twin.bind(bound.getsockname())
    except OSError:
        twin.close()
        raise
    return twin
