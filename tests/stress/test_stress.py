"""A short stress run with one seed; `make stress` is a long one with another each time."""

from pathlib import Path

import pytest

from tests.stress.run import stress


@pytest.mark.timeout(180)
async def test_nobody_is_lost(tmp_path: Path) -> None:
    outcome = await stress(tmp_path, seed=20260101, clients=120).run(seconds=5)
    assert outcome.is_good, f"seed {outcome.seed}: {outcome.rows()} {outcome.findings.notes}"
    for happened in ("joins", "drops", "restarts", "floods", "slow readers", "events committed", "frames delivered"):
        assert outcome.tally[happened] > 0, f"a run without {happened} proves little"
