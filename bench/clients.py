"""The readers of streams: `clients.c`, built here, and the commands it takes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.servers import LOAD_CORE

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
BUILD = HERE / "build"
AT_ONCE = 64
PATIENCE_SECONDS = 60


def compiled(source: Path) -> str:
    """The program made of a C file, built if it is older."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        sys.exit("The benchmark's clients are written in C: please install a compiler (apt-get install gcc libc6-dev).")
    BUILD.mkdir(exist_ok=True)
    program = BUILD / source.stem
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        command = [compiler, "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-o", str(program), str(source)]
        subprocess.run(command, check=True)  # noqa: S603 - our own program
    return str(program)


@dataclass(frozen=True)
class Reached:
    """When readers had what was waited for, in seconds of the monotonic clock."""

    median: float
    p99: float
    last: float


class Clients:
    """Any number of connections that read."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def request(self, path: str, **headers: str) -> None:
        """What the connections that follow ask for."""
        fields = ["Accept: text/event-stream"]
        fields += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self._tell("|".join([f"request GET {path} HTTP/1.1", "Host: 127.0.0.1", *fields]))

    def receive_buffer(self, size: int) -> None:
        """The receive buffer of those that follow; with one they are the shy ones, which `stop` stops."""
        self._tell(f"receive {size}")

    def open(self, count: int, events: int = 0) -> float:
        """So many connections more, each with so many events; the seconds it took."""
        opened, seconds = self._tell(f"open {count} {AT_ONCE} {events} {PATIENCE_SECONDS}").split()[1:]
        if int(opened) != count:
            sys.exit(f"only {opened} of {count} streams came about ({self._tell('lost')})")
        return float(seconds)

    def mark(self) -> None:
        """Count anew."""
        self._tell("mark")

    def wait(self, count: int = 1, what: Literal["events", "bytes"] = "events") -> Reached:
        """Until every reader has so many since the mark."""
        done, readers, *times = self._tell(f"wait {what} {count} {PATIENCE_SECONDS}").split()[1:]
        if done != readers:
            sys.exit(f"only {done} of {readers} readers got {count} {what} ({self._tell('lost')})")
        return Reached(*map(float, times))

    def counted(self) -> tuple[int, int]:
        """Events and bytes of all readers since the mark."""
        events, size = self._tell("count").split()[1:]
        return int(events), int(size)

    def latencies(self) -> tuple[float, float]:
        """Median and p99 of all events since the mark in ms, from the `timestamp` in them to their arrival."""
        _, median, p99, _ = self._tell("latencies").split()[1:]
        return float(median), float(p99)

    def stop(self) -> None:
        """The shy ones read no more."""
        self._tell("stop")

    def close(self, keep: int = 0) -> None:
        """Close all but the first."""
        self._tell(f"close {keep}")

    def lost(self) -> int:
        """Connections that the server ended."""
        return int(self._tell("lost").split()[1])

    def _tell(self, command: str) -> str:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("no pipes")
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer or answer.startswith("unknown"):
            sys.exit(f"the clients did not understand: {command}")
        return answer


@contextmanager
def clients(port: int) -> Iterator[Clients]:
    """Readers of the server on that port; they end with the block."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [compiled(HERE / "clients.c"), str(port)],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: os.sched_setaffinity(0, {LOAD_CORE}),  # noqa: PLW1509 - no threads here
    )
    try:
        yield Clients(process)
    finally:
        process.kill()
        process.wait()
