"""One worker as the supervisor sees it: a process, and what it has said. `duty.py` is the other end."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
from typing import TYPE_CHECKING

from pulsestage.server.errors import WorkerFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulsestage.server.duty import Duty


class Worker(asyncio.Protocol):
    """A process that serves. It has ended when its end of the channel is closed: so nothing needs to be polled."""

    def __init__(self, duty: Duty, process: subprocess.Popen[bytes]) -> None:
        self.number = duty.number
        self.was_ready = False
        self._duty = duty
        self._process = process
        self._heard = b""
        self._failure: str | None = None
        self._spoke, self._left, self._closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @classmethod
    async def start(cls, command: Sequence[str], duty: Duty) -> Worker:
        """Start a fresh interpreter, and send it its duty. It is not ready yet."""
        ours, theirs = socket.socketpair()
        with theirs:
            # In a session of its own: Ctrl-C on a terminal is told the whole group of processes, and it is the
            # supervisor who tells the workers.
            process = subprocess.Popen(  # noqa: ASYNC220, S603 - a few milliseconds; the command is ours
                [*command, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), *duty.listeners),
                start_new_session=True,
            )
        worker = cls(duty, process)
        try:
            await asyncio.get_running_loop().create_connection(lambda: worker, sock=ours)
        except BaseException:
            ours.close()
            process.kill()
            process.wait()
            raise
        return worker

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def _end(self) -> str:
        code = self._process.returncode
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    # ---- What it is told -----------------------------------------------------------------------

    def retire(self) -> None:
        """Have it stop when it has answered what it was asked."""
        self._tell("retire")

    def stop(self, *, interrupted: bool) -> None:
        """Have it stop as a single process does; as at Ctrl-C if `interrupted`.

        Not by a signal once it serves: if all processes of the service were sent one, a second would end all waiting.
        """
        if self.was_ready:
            self._tell("interrupt" if interrupted else "stop")
        else:
            self._process.terminate()

    def kill(self) -> None:
        """Have it end whatever it does."""
        self._process.kill()  # looks first whether it is still there

    def _tell(self, word: str) -> None:
        if not self._closed.is_set():
            self._transport.write(f"{word}\n".encode())

    # ---- What it says --------------------------------------------------------------------------

    async def ready(self) -> None:
        """Wait until it answers. Raises WorkerFailed."""
        await self._spoke.wait()
        if not self.was_ready:
            await self.ended()
            why = self._failure or f"It ended with {self._end}; the log above says why."
            raise WorkerFailed(why)

    async def left(self) -> str:
        """Wait until it doesn't listen any more. What became of it, in words."""
        await self._left.wait()
        if not self._closed.is_set():
            return "is leaving"
        await self.ended()
        return f"has ended with {self._end}"

    async def ended(self) -> None:
        """Wait until the process has ended."""
        await self._closed.wait()
        while self._process.poll() is None:  # noqa: ASYNC110 - between closing its files and its end is next to nothing
            await asyncio.sleep(0.005)

    def connection_made(self, transport: asyncio.WriteTransport) -> None:  # type: ignore[override] # it is one
        """Send the duty."""
        self._transport = transport
        transport.write(self._duty.packed())

    def data_received(self, data: bytes) -> None:
        """It has said something."""
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            word, _, more = line.decode().partition(" ")
            match word:
                case "ready":
                    self.was_ready = True
                    self._spoke.set()
                case "failed":
                    self._failure = more
                case "leaving":
                    self._left.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - closed is closed
        """It is gone, or as good as gone."""
        for event in (self._spoke, self._left, self._closed):
            event.set()
