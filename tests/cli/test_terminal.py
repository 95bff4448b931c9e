from __future__ import annotations

import asyncio
import io

import pytest
from rich.console import Console
from sqlalchemy.exc import OperationalError

from pulsestage.cli import terminal
from pulsestage.cli.terminal import explain, one_line, progress, run, spoken_errors
from pulsestage.domain.errors import TagNotFound, Unavailable
from pulsestage.storage.copies import TableContents


@pytest.mark.parametrize(
    "error, sentence",
    [
        (Unavailable("The database is away."), "The database is away."),
        (TagNotFound(), "Tag not found. GET /tags lists the tags of this tenant."),
        (FileNotFoundError(2, "No such file", "there"), "No such file: there"),
        (OperationalError("SELECT", {}, Exception("it is locked\nand more")), "The database refuses: it is locked"),
        (ExceptionGroup("g", [ValueError(), ExceptionGroup("h", [Unavailable("Away.")])]), "Away."),
        (ValueError("a defect"), None),
    ],
)
def test_a_sentence_for_what_may_happen(error: Exception, sentence: str | None) -> None:
    assert explain(error) == sentence


def test_a_defect_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), spoken_errors():
        raise ZeroDivisionError


def test_text_can_not_steer_the_terminal() -> None:
    assert one_line("a\x1b[2J\nb\u2028c\x9bé👩‍🚀") == "a [2J b c é👩‍🚀"


@pytest.mark.parametrize("tables", [(), (TableContents(name="votes", columns=("voter_key",), rows=500),)])
def test_progress_is_shown_on_a_terminal_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, tables: tuple[TableContents, ...]
) -> None:
    for is_terminal in (True, False):
        written = io.StringIO()
        monkeypatch.setattr(terminal, "err", Console(file=written, force_terminal=is_terminal, width=100))
        with progress("Writing", tables) as tell:
            tell(250)
        assert ("Writing" in written.getvalue()) is is_terminal
        assert ("50%" in written.getvalue()) is bool(is_terminal and tables)


def test_ctrl_c_ends_the_work_and_is_no_failure() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.sleep(0)
            raise KeyboardInterrupt
        finally:
            ended.append(True)

    run(work())
    assert ended
