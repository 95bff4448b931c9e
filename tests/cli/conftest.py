"""Runs of the command: as processes, and, where no process is needed, in this one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from pulsestage.cli import main
from tests.cli.processes import Process

Start = Callable[..., Process]
Call = Callable[..., "Called"]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts processes in a directory of their own; what still runs at the end is stopped."""
    directory = tmp_path_factory.mktemp("process")
    with ExitStack() as stack:

        def start_one(*arguments: str, directory: Path = directory, **settings: str) -> Process:
            process = Process(directory, *arguments, **settings)
            stack.callback(process.stop)
            return process

        yield start_one


@dataclass(frozen=True)
class Called:
    """What a command came to."""

    code: int
    out: str
    err: str


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs a command in this process, in an empty directory and without settings but those given."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("PULSESTAGE_"):
            monkeypatch.delenv(name)
    monkeypatch.setattr("pulsestage.cli.serve.configure_logs", lambda _settings: None)

    def call_one(*arguments: str, **settings: str) -> Called:
        monkeypatch.setattr(sys, "argv", ["pulsestage", *arguments])
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Called(int(ended.value.code or 0), captured.out, captured.err)

    return call_one
