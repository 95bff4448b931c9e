"""One rolling restart behind every proxy of `deploy/`: the short form of what `make restarts` does."""

from pathlib import Path

import pytest

from tests.deploy.proxies import KINDS
from tests.restarts.rolling import roll


@pytest.mark.timeout(180)
async def test_a_rolling_restart_costs_no_answer_no_question_and_no_event(tmp_path: Path, postgres_url: str) -> None:
    rolled = await roll(tmp_path, list(KINDS), postgres_url, rounds=1, callers=2, drain_seconds=1.5)
    assert {name: record.unanswered for name, record in rolled.records.items()} == {name: [] for name in KINDS}
    assert {name: set(record.statuses) for name, record in rolled.records.items()} == {
        name: {200, 201} for name in KINDS
    }
    assert sorted(rolled.asked) == sorted(rolled.questions)
    assert all(sorted(told) == sorted(rolled.questions) for told in rolled.told)
    assert rolled.goodbyes >= len(rolled.told)
