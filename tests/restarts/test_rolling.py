"""One rolling restart behind every proxy of `deploy/`: the short form of what `make restarts` does."""

from pathlib import Path

import pytest

from tests.deploy.proxies import KINDS
from tests.restarts.rolling import roll


@pytest.mark.timeout(180)
async def test_a_rolling_restart_costs_no_answer_no_question_and_no_event(tmp_path: Path, postgres_url: str) -> None:
    rolled = await roll(tmp_path, list(KINDS), postgres_url, rounds=1, callers=2, drain_seconds=1.5)
    assert {name: record.unanswered for name, record in rolled.records.items()} == {name: [] for name in KINDS}
    faults = {name: record.faults(rolled.questions) for name, record in rolled.records.items()}
    assert not any(sum(each.values()) for each in faults.values()), faults
    assert sum(len(record.asked) for record in rolled.records.values()) == len(rolled.questions)
    assert rolled.wrongly_told == 0
    assert rolled.goodbyes >= len(rolled.told)
