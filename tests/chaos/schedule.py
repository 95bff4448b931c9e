"""What goes wrong, and when: the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

KINDS = (
    "instance killed",
    "instance stopped",
    "instance frozen",
    "relay killed",
    "relay frozen",
    "relay cut off",
    "relay unreachable",
    "relay stalled",
    "relay half open",
    "relay drops",
    "relay late",
    "relay shuffles",
    "relay repeats",
    "database crashed",
    "database frozen",
    "connections cut",
    "connections stalled",
    "rolling deploy",
    "rolling deploy, relay drops",
)
PEACE_SECONDS = (1.5, 2.5)
FAULT_SECONDS = (1.0, 3.5)
RECOVERY_SECONDS = 3.0
"""What it takes to come back, roughly: it is not a part of the plan, only of its length."""


@dataclass(frozen=True)
class Step:
    """One fault."""

    kind: str
    after: float
    """Seconds of peace before it."""
    lasts: float
    """Seconds; what can't be said in seconds, such as a restart, takes what it takes."""
    which: int
    """The instance that it happens to, if it is one's."""


def schedule(seed: int, seconds: float, instances: int) -> list[Step]:
    """Every kind in turn, in an order by chance, and again, for about so long; at least once each way through."""
    random = Random(f"{seed} schedule")
    steps: list[Step] = []
    planned = 0.0
    while planned < seconds:
        for kind in random.sample(KINDS, len(KINDS)):
            step = Step(
                kind, random.uniform(*PEACE_SECONDS), random.uniform(*FAULT_SECONDS), random.randrange(instances)
            )
            planned += step.after + step.lasts + RECOVERY_SECONDS
            if planned < seconds:
                steps.append(step)
    return steps
