"""The terminal: where commands write, how they end, and how what goes wrong becomes one sentence and an exit code.

stdout carries what was asked for, stderr everything else. Exit codes: 0 done or stopped, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import unicodedata
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from sqlalchemy.exc import SQLAlchemyError
from uvicorn import Config

from pulsestage.bootstrap import RelayUnreachable
from pulsestage.cluster.relays import InvalidRelayUrl
from pulsestage.domain.errors import InvalidInput, PulseStageError, Unavailable
from pulsestage.settings import UnknownSetting
from pulsestage.storage.copies import CopyRefused
from pulsestage.storage.location import InvalidDatabaseUrl
from pulsestage.storage.migrate import SchemaNotTolerated

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence

    from pulsestage.storage.copies import TableContents

out = Console(highlight=False, emoji=False)
wide = Console(highlight=False, emoji=False, width=10_000)
"""stdout for tables with addresses, which are as wide as they need to be: half an address leads nowhere."""
err = Console(stderr=True, highlight=False, emoji=False)


class Failure(Exception):
    """A command can't do what it was asked to; the message is the sentence to show."""


_ARE_SENTENCES = (
    Failure,
    CopyRefused,
    InvalidDatabaseUrl,
    InvalidInput,
    InvalidRelayUrl,
    RelayUnreachable,
    SchemaNotTolerated,
    Unavailable,
    UnknownSetting,
)


def may_show_secrets() -> bool:
    """Whether stdout is a terminal. What is printed elsewhere is kept in files and logs, where no secret belongs."""
    return sys.stdout.isatty()


def one_line(text: str) -> str:
    """What people typed, fit for a terminal: line breaks and what could steer the terminal become spaces."""
    return "".join(" " if unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char for char in text)


@contextmanager
def progress(what: str, tables: Sequence[TableContents] = ()) -> Iterator[Callable[[int], None]]:
    """On a terminal, show how many rows are done, and of how many if that is known. Call it with each few more."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as shown:
        task = shown.add_task(what, total=sum(table.rows for table in tables) if tables else None)
        yield lambda rows: shown.advance(task, rows)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end, or until Ctrl-C or SIGTERM: both are ways to stop, not failures."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    new_loop = Config("", log_config=None).get_loop_factory()
    try:
        with suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(work)
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def spoken_errors() -> Iterator[None]:
    """Say what went wrong in a sentence on stderr, and exit with 1. What nobody expected keeps its traceback."""
    try:
        yield
    except Exception as error:
        sentence = explain(error)
        if sentence is None:
            raise
        err.print("Error:", style="bold red", end=" ")
        err.print(sentence, markup=False, soft_wrap=True)
        raise SystemExit(1) from None


def explain(error: BaseException) -> str | None:
    """The sentence for an error; None if it is a defect of ours."""
    match error:
        case BaseExceptionGroup():
            # Task groups wrap what their body raises.
            return next((sentence for each in error.exceptions if (sentence := explain(each))), None)
        case _ if isinstance(error, _ARE_SENTENCES):
            return str(error)
        case PulseStageError():
            return f"{error.error}. {error.message}"
        case ValidationError():
            return _explain_settings(error)
        case SettingsError():
            return f"A setting can't be read: {error.__cause__ or error}"
        case SQLAlchemyError():
            return f"The database refuses: {str(getattr(error, 'orig', None) or error).splitlines()[0]}"
        case OSError():
            where = f": {error.filename}" if error.filename else ""
            return f"{error.strerror or error}{where}"
    return None


def _explain_settings(error: ValidationError) -> str:
    # Never with the value: it may be a secret.
    problems = (
        f"PULSESTAGE_{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg'].removeprefix('Value error, ')}"
        for problem in error.errors(include_input=False, include_url=False)
    )
    return f"A setting is wrong. {'; '.join(problems)}."
