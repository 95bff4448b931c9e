"""A minute of chaos, with one seed; `make chaos` is a longer one with another each time. And the judge, judged."""

from pathlib import Path

import pytest

from tests.chaos.__main__ import table
from tests.chaos.run import INSTANCES, chaos
from tests.chaos.schedule import KINDS, Step, schedule

SEED = 20261855
"""One whose first minute has much of what matters."""


@pytest.mark.timeout(400)
async def test_nobody_misses_anything(tmp_path: Path) -> None:
    steps = schedule(SEED, 60, INSTANCES)
    wanted = {
        "instance killed",
        "instance frozen",
        "database crashed",
        "relay killed",
        "relay drops",
        "relay half open",
    }
    assert wanted <= {step.kind for step in steps}
    async with chaos(tmp_path, SEED, clients=600, steps=steps) as run:
        outcome = await run.play()
    assert outcome.is_good, "\n".join([f"seed {SEED}", *table(run)])
    assert run.delays.counts().total() == len(steps) + 1
    for happened in ("joins", "drops", "events committed", "frames delivered", "relay messages dropped"):
        assert outcome.tally[happened] > 0, f"a run without {happened} proves little"


@pytest.mark.timeout(200)
@pytest.mark.parametrize("program", ["tests.chaos.deaf", "tests.chaos.blind"])
async def test_what_a_broken_program_loses_is_found(tmp_path: Path, program: str) -> None:
    steps = [Step("relay drops", after=1.0, lasts=4.0, which=0)]
    async with chaos(tmp_path, SEED, clients=60, steps=steps, program=program) as run:
        run.settle_seconds = 10  # a whole one needs five
        outcome = await run.play()
    assert outcome.tally["relay messages dropped"] > 0
    assert outcome.findings.counts["lost"] > 0
    assert any(note.startswith("lost: the end") for note in outcome.findings.notes), outcome.findings.notes


def test_a_seed_has_one_schedule() -> None:
    assert schedule(1, 300, INSTANCES) == schedule(1, 300, INSTANCES) != schedule(2, 300, INSTANCES)
    assert {step.kind for step in schedule(1, 300, INSTANCES)} == set(KINDS)
