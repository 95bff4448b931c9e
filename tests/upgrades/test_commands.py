"""Commands of the version before, on a database that a newer version has upgraded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pulsestage.storage.database import Database
from pulsestage.storage.migrate import inspect, migrations, upgrade
from tests.cli.processes import environment
from tests.storage.test_migrate_tolerance import Additive, InTwoParts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Run = Callable[[str], tuple[int, str]]


@pytest.fixture(scope="module")
def run_before(version_before: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Runs a command of the version before. Its exit code, and what it printed."""
    process = subprocess.Popen(
        [sys.executable, "-P", str(Path(__file__).with_name("commands.py"))],
        cwd=tmp_path_factory.mktemp("commands"),
        env=environment(PYTHONPATH=version_before),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process as opened:
        assert opened.stdin is not None
        assert opened.stdout is not None
        answers = opened.stdout

        def run(line: str) -> tuple[int, str]:
            print(line, file=opened.stdin, flush=True)
            code, printed = json.loads(answers.readline())
            return code, printed

        yield run
        opened.stdin.close()


async def test_they_work_on_the_schema_of_this_version(run_before: Run, database_url: str) -> None:
    here = f"--database-url '{database_url}'"
    assert run_before(f"tenant create acme {here}")[0] == 0
    database = Database(database_url)
    try:
        before, after = await upgrade(database, known=[*migrations(), Additive("9001")])
        assert (before.current, after.current) == ("0003", "9001")
        assert run_before(f"db upgrade {here}") == (0, "The database is at 0003 already.\n")
        code, printed = run_before(f"tenant list {here}")
        assert (code, "acme" in printed) == (0, True)
        code, printed = run_before(f"link --tenant acme --url http://here {here}")
        assert (code, printed.startswith("http://here/app/acme#signin=")) == (0, True)
        assert await inspect(database, known=after.known) == after

        await upgrade(database, known=[*after.known, InTwoParts("9002", drops="added_9001")], finish=True)
        code, printed = run_before(f"tenant list {here}")
        assert (code, "Can't locate revision" in printed) == (1, True)
    finally:
        await database.close()
