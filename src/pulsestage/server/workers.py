"""Several workers on one machine, and the process that watches over them. It serves nothing itself.

SIGTERM and SIGINT stop all at once, SIGHUP replaces them one by one. A worker that leaves without being told to is
replaced. Workers see that this process has died by the end of their channel, and stop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pulsestage.server.errors import WorkerFailed
from pulsestage.server.slot import GRACE_SECONDS, Slot, sibling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pulsestage.settings import Settings

log = logging.getLogger("pulsestage.server")


def check_platform() -> None:
    """Raise WorkerFailed where the system doesn't spread connections."""
    if sys.platform != "linux" or not hasattr(socket, "SO_REUSEPORT"):
        raise WorkerFailed(
            "Several workers need a system that spreads connections over the sockets of one port (SO_REUSEPORT on"
            " Linux); here there can be one worker."
        )


class Workers:
    """`settings.workers` processes, all of which listen where `listeners` do.

    `own` has for each worker the sockets on which it listens alone. `command` runs a worker; the number of a descriptor
    is appended (see `duty.py`). All sockets are closed when the workers are told to stop.
    """

    def __init__(
        self,
        settings: Settings,
        command: Sequence[str],
        listeners: list[socket.socket],
        own: Sequence[list[socket.socket]] = (),
    ) -> None:
        self._settings = settings
        shared = [listeners, *([sibling(each) for each in listeners] for _ in range(1, settings.workers))]
        alone = own or [[]] * settings.workers
        self._slots = [Slot(number, settings, command, shared[number], alone[number]) for number in range(len(shared))]
        self._stop, self._restart = asyncio.Event(), asyncio.Event()
        self._told_by = ""
        self._terminals = [number for number in range(3) if os.isatty(number)]

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Serve until told to stop. Raises WorkerFailed if a worker can't start, or had to be killed."""
        with self._signals():
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._until_told())
                    async with asyncio.TaskGroup() as starting:
                        for slot in self._slots:
                            starting.create_task(self._first(slot))
                    on_ready()
                    for slot in self._slots:
                        tasks.create_task(slot.keep())
                    tasks.create_task(self._restart_when_told())
            except* _Told:
                log.info("Stopping all workers: told by %s", self._told_by)
            except* WorkerFailed as group:
                raise _first_of(group) from None
            except* Exception:
                log.exception("The supervisor failed; stopping all workers")
                raise
            finally:
                await self._stop_all()

    async def _first(self, slot: Slot) -> None:
        try:
            await slot.fill()
        except WorkerFailed as error:
            raise WorkerFailed(f"Worker {slot.number} could not start. {error}") from None

    async def _until_told(self) -> None:
        await self._stop.wait()
        raise _Told

    async def _restart_when_told(self) -> None:
        while True:
            await self._restart.wait()
            self._restart.clear()
            log.info("Replacing the workers one by one")
            for slot in self._slots:
                try:
                    await slot.replace()
                except WorkerFailed as error:
                    log.error("Worker %d stays as it is, and those after it: %s", slot.number, error)  # noqa: TRY400
                    break
            else:
                log.info("All workers are new")

    async def _stop_all(self) -> None:
        # First of all, or connections would wait in the queues of sockets that nobody accepts from.
        for slot in self._slots:
            slot.close()
        alive = [worker for slot in self._slots for worker in slot.alive]
        for worker in alive:
            worker.stop(interrupted=self._told_by == signal.SIGINT.name)
        try:
            async with asyncio.timeout(self._settings.drain_seconds + self._settings.shutdown_seconds + GRACE_SECONDS):
                await asyncio.gather(*(worker.ended() for worker in alive))
        except TimeoutError:
            for worker in alive:
                worker.kill()
            await asyncio.gather(*(worker.ended() for worker in alive))
            raise WorkerFailed("Not all workers stopped in time; those that did not were killed.") from None
        log.info("All workers have stopped")

    # ---- Signals -------------------------------------------------------------------------------

    @contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        handlers = {
            signal.SIGTERM: self._told_to_stop,
            signal.SIGINT: self._told_to_stop,
            signal.SIGHUP: self._hung_up,
        }
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler, number)
        try:
            yield
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)

    def _told_to_stop(self, number: signal.Signals) -> None:
        if self._stop.is_set():  # for the second time: somebody doesn't want to wait
            log.warning("Killing all workers: told again, by %s", number.name)
            for worker in (worker for slot in self._slots for worker in slot.alive):
                worker.kill()
        self._told_by = number.name
        self._stop.set()

    def _hung_up(self, number: signal.Signals) -> None:
        """Restart. Or stop, if the signal came because the terminal was closed."""
        if self._terminals and not any(map(os.isatty, self._terminals)):
            # Not as a second signal would: a closed terminal sends several.
            self._told_by = number.name
            self._stop.set()
        else:
            self._restart.set()


class _Told(Exception):
    """It is time to stop."""


def _first_of(group: BaseExceptionGroup[WorkerFailed]) -> WorkerFailed:
    first = group.exceptions[0]
    return first if isinstance(first, WorkerFailed) else _first_of(first)
