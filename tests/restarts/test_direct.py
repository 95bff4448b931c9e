"""Kept connections to a server that stops: the short form of what `make restarts` does."""

from pathlib import Path

import pytest

from tests.restarts.direct import stop_under_load


@pytest.mark.timeout(120)
@pytest.mark.parametrize("workers", [1, 2])
async def test_no_request_stays_without_an_answer(tmp_path: Path, workers: int) -> None:
    record, questions = await stop_under_load(tmp_path, stops=2 if workers == 1 else 1, callers=30, workers=workers)
    assert record.unanswered == []
    assert not any(record.faults(questions).values()), record.faults(questions)
    assert len(record.asked) == len(questions)
