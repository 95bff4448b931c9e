"""Servers under measurement: child processes on one core, their CPU time and memory read from the kernel."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

START_SECONDS = 30
SERVER_CORE, LOAD_CORE = 0, (os.cpu_count() or 1) - 1


@dataclass(frozen=True)
class Running:
    """A server that answers. `pid` is the process that serves."""

    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """Time on the CPU of all threads of the process and of its children, to the nanosecond."""
        return _cpu_nanoseconds(self.pid) / 1e9

    def resident_bytes(self) -> int:
        """Memory that the process has."""
        return self._memory("VmRSS")

    def peak_bytes(self) -> int:
        """The most it has had since `forget_peak`."""
        return self._memory("VmHWM")

    def forget_peak(self) -> None:
        """The peak is counted anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")

    def bytes_read(self) -> int:
        """What it has got by `read` and `pread`, of files and of sockets."""
        for line in Path(f"/proc/{self.pid}/io").read_text(encoding="ascii").splitlines():
            if line.startswith("rchar:"):
                return int(line.split()[1])
        raise LookupError("rchar")

    def _memory(self, name: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise LookupError(name)


@contextmanager
def running(
    command: list[str],
    port: int,
    environment: Mapping[str, str] | None = None,
    find_pid: Callable[[int], int] = lambda pid: pid,
    cores: Collection[int] = (SERVER_CORE,),
) -> Iterator[Running]:
    """Start a server on these cores, wait until `GET /health` answers, and end it.

    `find_pid` tells from the process that was started which one serves.
    """
    process = subprocess.Popen(  # noqa: S603 - our own programs
        command,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=partial(_settle, cores),  # noqa: PLW1509 - no threads here
    )
    try:
        _wait(port, process)
        yield Running(port, find_pid(process.pid))
    finally:
        process.terminate()
        try:
            process.wait(timeout=START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _cpu_nanoseconds(pid: int) -> int:
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has just ended
            total += int((thread / "schedstat").read_text(encoding="ascii").split()[0])
            children = (thread / "children").read_text(encoding="ascii").split()
            total += sum(_cpu_nanoseconds(int(child)) for child in children)
    return total


def _settle(cores: Collection[int]) -> None:
    os.sched_setaffinity(0, cores)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", "/health")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit(f"no server on port {port} (exit code {process.poll()})")
