"""Runs test modules in the tree that is the working directory, each time in a new process that need not import much.

The arguments are libraries that the tests need, which are imported once, as are pytest's plugins. A line of JSON in
(pytest's arguments and how many seconds it may take), a line out (its exit code, or null if it took longer).
"""

import importlib
import json
import os
import resource
import select
import signal
import sys
from importlib.metadata import entry_points
from typing import Any

import pytest

MAX_MEMORY_BYTES = 8 << 30
"""A loop that doesn't end takes no more than this."""


def main() -> None:
    if "PYTEST_DISABLE_PLUGIN_AUTOLOAD" not in os.environ:
        for plugin in entry_points(group="pytest11"):
            plugin.load()
    for name in sys.argv[1:]:
        importlib.import_module(name)
    for line in sys.stdin:
        print(json.dumps(run(*json.loads(line))), flush=True)  # noqa: T201 - the other end of a pipe


def run(arguments: list[str], seconds: float) -> int | None:
    """The exit code of pytest in a child."""
    pid = os.fork()
    if pid == 0:
        _be_the_child(arguments)
    os.setpgid(pid, pid)
    child = os.pidfd_open(pid)
    try:
        ended, _, _ = select.select([child], [], [], seconds)
    finally:
        os.close(child)
    os.killpg(pid, signal.SIGKILL)  # with all that the tests have started; the child is no more than a zombie now
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) if ended else None


def _be_the_child(arguments: list[str]) -> Any:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    with open(os.devnull, "r+b") as nothing, open("output", "wb") as output:  # noqa: PTH123 - as it comes
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    code = 1
    try:
        code = int(pytest.main(arguments))
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
