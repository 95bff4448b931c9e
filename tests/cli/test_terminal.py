from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.exc import OperationalError

from pulsestage.cli.terminal import explain, one_line, run, spoken_errors
from pulsestage.domain.errors import TagNotFound, Unavailable


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
