"""`pulsestage serve` with two workers, and what can be seen of them from outside."""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.cli.processes import Process, eventually
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


class Site:
    """The watching process and its workers, ended together whatever happened to them."""

    def __init__(self, directory: Path, *arguments: str, **settings: str) -> None:
        self.directory = directory
        self._first_port = free_port(2)
        self.process = Process(
            directory,
            *("serve", "--port", "0", "--workers", "2", *arguments),
            **{
                "PULSESTAGE_WORKER_PORTS": str(self._first_port),
                "PULSESTAGE_ASKS_PER_MINUTE": "0",
                "PULSESTAGE_SAFETY_SECONDS": "0.2",  # without a relay, so soon one hears of what the other did
                "PULSESTAGE_SHUTDOWN_SECONDS": "2",
                **settings,
            },
        )

    @property
    def url(self) -> str:
        """The common address."""
        return self.process.printed(r"serves (http\S+);").group(1)

    def alone(self, number: int) -> str:
        """The address of one worker."""
        return f"http://127.0.0.1:{self._first_port + number}"

    def log(self) -> Iterator[dict[str, Any]]:
        """The lines that are whole, in which nothing but JSON may be."""
        for line in self.process.err.splitlines(keepends=True):
            if line.endswith("\n"):
                yield json.loads(line)

    def events(self) -> list[str]:
        """What the log says happened."""
        return [line["event"] for line in self.log()]

    def logged(self, pattern: str, times: int = 1) -> list[re.Match[str]]:
        """Wait until this is in so many lines of the log."""

        def look() -> list[re.Match[str]] | None:
            found = [match for event in self.events() if (match := re.search(pattern, event))]
            return found if len(found) >= times else None

        return eventually(look, seconds=40)

    def started(self, number: int) -> list[int]:
        """The processes that have been this worker, the present one last."""
        found = (re.fullmatch(rf"Worker {number} is ready \(process (\d+)\)", event) for event in self.events())
        return [int(match.group(1)) for match in found if match]

    def streams(self, number: int) -> int:
        """How many streams this worker has."""
        metrics = httpx.get(f"{self.alone(number)}/metrics").text
        found = re.search(r"^pulsestage_stream_connections (\d+)", metrics, re.MULTILINE)
        assert found is not None
        return int(found.group(1))

    def end(self) -> None:
        """Stop it, and whoever outlived it."""
        with ExitStack() as stack:
            for match in re.finditer(r"Started server process \[(\d+)\]", self.process.err):
                stack.callback(_kill_worker, int(match.group(1)))
            self.process.stop()


def runs(pid: int) -> bool:
    """Whether there is such a process; one that nobody has waited for yet has ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2][0]
    except FileNotFoundError:
        return False
    return state != "Z"


def _kill_worker(pid: int) -> None:
    with suppress(FileNotFoundError, ProcessLookupError):
        if b"pulsestage.cli.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
