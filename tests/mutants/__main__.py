"""`python -m tests.mutants --seed 42 --sample 40`: changes the server's code in one place after the other.

Prints how many of the changes the nearest tests noticed, by package, and the others by name.
"""

import argparse
import hashlib
import os
import secrets
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from tests.mutants.changes import Change, changes_of
from tests.mutants.nearest import sources
from tests.mutants.trial import trees, trial
from tests.servers.postgres import running_postgres
from tests.servers.valkey import running_valkey

ROOT = Path(__file__).parents[2]
PACKAGES = ("domain", "realtime", "services", "storage", "http", "cluster", "server")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="random if not given")
    parser.add_argument("--sample", type=int, default=40, help="changes of each package")
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at a time")
    parser.add_argument("packages", nargs="*", default=PACKAGES, help="or modules, such as storage/votes.py")
    chosen = parser.parse_args()
    samples = {name: draw(list(changes_in(name)), chosen.seed, chosen.sample) for name in chosen.packages}
    say(f"seed {chosen.seed}, {chosen.sample} changes of each package")
    noticed: Counter[str] = Counter()
    with servers(), trees(ROOT, chosen.jobs) as copies:
        names = [name for name, sample in samples.items() for _ in sample]
        for name, outcome in zip(names, trial(copies, list(chain(*samples.values()))), strict=True):
            noticed[name] += outcome.noticed
            if not outcome.noticed:
                say(str(outcome.change))
    for line in table({name: (len(sample), noticed[name]) for name, sample in samples.items()}):
        say(line)
    return 0


def say(line: str) -> None:
    """On stdout, at once."""
    print(line, flush=True)  # noqa: T201 - this is what it is for


def changes_in(package: str) -> Iterator[Change]:
    """All that can be changed in a package, or in the one module that is named."""
    modules = [Path("src/pulsestage", package)] if package.endswith(".py") else sources(ROOT, package)
    for path in modules:
        yield from changes_of(path, (ROOT / path).read_bytes())


def draw(changes: list[Change], seed: int, number: int) -> list[Change]:
    """So many of the changes. By hashes, so that the same seed draws nearly the same when the code has changed."""

    def rank(change: Change) -> bytes:
        return hashlib.sha256(f"{seed} {change.path} {change.was} {change.now}".encode()).digest()

    return sorted(changes, key=rank)[:number]


def table(scores: dict[str, tuple[int, int]]) -> list[str]:
    """How many were tried and noticed, by package and together."""
    tried, noticed = (sum(column) for column in zip(*scores.values(), strict=True))
    lines = [*scores.items(), ("together", (tried, noticed))]
    return [
        f"{'package':>24}  {'changes':>7}  {'noticed':>7}  {'score':>5}",
        *(f"{name:>24}  {of:>7}  {number:>7}  {number / of if of else 1:>5.0%}" for name, (of, number) in lines),
    ]


@contextmanager
def servers() -> Iterator[None]:
    """A PostgreSQL and a Valkey that all runs share."""
    with running_postgres() as postgres, running_valkey() as redis_url:
        os.environ["PULSESTAGE_TEST_POSTGRES_URL"] = postgres.url
        os.environ["PULSESTAGE_TEST_REDIS_URL"] = redis_url
        yield


if __name__ == "__main__":
    sys.exit(main())
