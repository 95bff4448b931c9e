"""`pulsestage` as a process of its own, and waiting for what it does."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATIENCE_SECONDS = 40
"""How long anything may take on a busy machine."""


def environment(**more: str) -> dict[str, str]:
    """This process's environment without settings of PulseStage but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PULSESTAGE_")}
    return {**kept, "PYTHONUNBUFFERED": "1", "COLUMNS": "200", **more}


def eventually(look: Callable[[], T | None], seconds: float = PATIENCE_SECONDS) -> T:
    """What `look` finds at last."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def _terminal(path: Path) -> int:
    """A terminal to write to; what is written there ends up in the file."""
    screen, terminal = pty.openpty()

    def copy() -> None:
        with path.open("ab", buffering=0) as file, suppress(OSError):  # as a terminal says that nobody has it any more
            while written := os.read(screen, 4096):
                file.write(written.replace(b"\r\n", b"\n"))
        os.close(screen)

    threading.Thread(target=copy, daemon=True).start()
    return terminal


class Process:
    """One run of the command in a directory, ended by its handle. With TERM among its settings, on a terminal."""

    def __init__(
        self,
        directory: Path,
        *arguments: str,
        program: str = "pulsestage",
        **settings: str,
    ) -> None:
        self.directory = directory
        run = time.monotonic_ns()
        self._out, self._err = (directory / f"{run}.{name}" for name in ("out", "err"))
        with self._out.open("wb") as file, self._err.open("wb") as err, ExitStack() as stack:
            out: int | BinaryIO = file
            if "TERM" in settings:
                out = _terminal(self._out)
                stack.callback(os.close, out)
            self._process = subprocess.Popen(
                [sys.executable, "-m", program, *arguments],
                cwd=directory,
                env=environment(**settings),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def out(self) -> str:
        """What it has printed so far."""
        return self._out.read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        """What it has said on stderr so far."""
        return self._err.read_text(encoding="utf-8")

    def printed(self, pattern: str) -> re.Match[str]:
        """Wait until it has printed this."""

        def look() -> re.Match[str] | None:
            found = re.search(pattern, self.out)
            if found is None and self._process.poll() is not None:
                raise AssertionError(f"it ended with {self._process.returncode}: {self.out}{self.err}")
            return found

        return eventually(look)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to stop, and wait for its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(how)
        return self.ended()

    def ended(self) -> int:
        """Wait for its exit code."""
        try:
            return self._process.wait(timeout=PATIENCE_SECONDS)
        finally:
            self._process.kill()
