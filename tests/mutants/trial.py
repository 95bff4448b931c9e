"""Trying changes: on a copy of the tree, one at a time, each with the tests that are near it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory

from tests.mutants.changes import Change
from tests.mutants.nearest import nearest

LIBRARIES = ("alembic", "asyncpg", "fastapi", "httpx", "hypothesis", "prometheus_client", "redis", "sqlalchemy")
"""What the server's tests take long to import, and what is not changed."""
OPTIONS = (
    *("-x", "-q", "-p", "no:cacheprovider"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # plugins and libraries are imported already
)
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "dist", "bench")
MAX_SECONDS = 300.0
MAX_TEST_SECONDS = 30


@dataclass(frozen=True)
class Outcome:
    """What the nearest tests said to a change."""

    change: Change
    noticed: bool


class RedTests(Exception):
    """The tests fail without any change, so that they can't tell."""


class Tree:
    """A copy of the project, and a process that runs tests in it."""

    def __init__(self, path: Path, libraries: Sequence[str], options: Sequence[str]) -> None:
        self._options = options
        self.path = path
        # The change is found first, and by every process that the tests start.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(path / "src"), str(path)))}
        self._times = count(1_000_000_000)
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("warm.py")), *libraries],
            cwd=path,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, tests: Sequence[str], seconds: float = MAX_SECONDS) -> bool:
        """Whether the tests pass. Raises RuntimeError if there are none."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([[*OPTIONS, *self._options, *tests], seconds]), file=self._process.stdin, flush=True)
        code = json.loads(self._process.stdout.readline())
        # What a property found in one change is not to be tried first on the next one.
        shutil.rmtree(self.path / ".hypothesis", ignore_errors=True)
        if code == 5:
            raise RuntimeError(f"no tests in {', '.join(tests)}")
        return bool(code == 0)

    def output(self) -> str:
        """What the last run has printed."""
        return (self.path / "output").read_text(errors="replace")

    def try_(self, change: Change) -> Outcome:
        """Make the change, run the tests near it, take the change back."""
        file = self.path / change.path
        source = file.read_bytes()
        self._write(file, change.apply(source))
        try:
            return Outcome(change, noticed=not self.run(nearest(self.path, change.path)))
        finally:
            self._write(file, source)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _write(self, file: Path, source: bytes) -> None:
        file.write_bytes(source)
        moment = next(self._times)  # Python tells by the second whether what it has compiled is old
        os.utime(file, (moment, moment))


@contextmanager
def trees(
    root: Path,
    number: int,
    libraries: Sequence[str] = LIBRARIES,
    options: Sequence[str] = (f"--timeout={MAX_TEST_SECONDS}", "--hypothesis-seed=0"),
) -> Iterator[list[Tree]]:
    """So many copies of the project, gone afterwards."""
    with TemporaryDirectory(prefix="pulsestage-mutants-") as directory:
        copies: list[Tree] = []
        try:
            for index in range(number):
                copy = Path(directory) / str(index)
                shutil.copytree(root, copy, ignore=LEFT_OUT)
                copies.append(Tree(copy, libraries, options))
            yield copies
        finally:
            for each in copies:
                each.close()


def trial(copies: Sequence[Tree], changes: Sequence[Change]) -> Iterator[Outcome]:
    """Try each change, as many at a time as there are copies. Raises RedTests."""
    with ThreadPoolExecutor(len(copies)) as threads:
        tests = sorted({test for change in changes for test in nearest(copies[0].path, change.path)})
        if tests and not copies[0].run(tests, seconds=10 * MAX_SECONDS):
            raise RedTests(copies[0].output()[-5000:])
        free: SimpleQueue[Tree] = SimpleQueue()
        for copy in copies:
            free.put(copy)

        def try_(change: Change) -> Outcome:
            copy = free.get()
            try:
                return copy.try_(change)
            finally:
                free.put(copy)

        yield from threads.map(try_, changes)
