"""What every test may ask for: an event loop, a real database, a real broker, a real browser's path."""

import os
import shutil
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.servers.postgres import Postgres, running_postgres
from tests.servers.valkey import running_valkey

pytest_plugins = ["tests.coverage"]

LONGEST_FIRST = (
    *("chaos/test_chaos", "live/test_page_trouble", "cli/test_conformance_faults", "live/test_page"),
    *("convergence/test_convergence", "live/test_clients", "restarts/test_rolling", "server/test_workers"),
    *("live/test_faults", "cluster/test_redis_kinds", "http/test_contract", "cluster/test_instances", "cli/test_serve"),
    *("live/test_durability", "generated/test_generated", "deploy/test_proxies"),
)
"""Files that take long, or the one that comes last would be waited for."""

# Being told to end is like Ctrl-C: the fixtures still get to end their servers.
signal.signal(signal.SIGTERM, signal.default_int_handler)

# A busy machine is not a failed property; pytest's own timeout catches what hangs.
hypothesis.settings.register_profile("unhurried", hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run take longer than the usual one."""
    group = parser.getgroup("pulsestage")
    group.addoption("--hostile", type=int, default=250, help="how many hostile requests to make by chance")
    group.addoption("--hostile-seed", type=int, default=1, help="of those requests")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests and fixtures run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server in which databases can be made."""
    if url := os.environ.get("PULSESTAGE_TEST_POSTGRES_URL"):
        yield Postgres(url.replace("postgresql+asyncpg://", "postgresql://", 1))
    else:
        with running_postgres() as server:
            yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """An empty PostgreSQL database, as a URL for SQLAlchemy."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file that doesn't exist yet, as a URL for SQLAlchemy."""
    return f"sqlite:///{tmp_path / 'pulsestage.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database, once of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis or Valkey server that the whole run shares: choose names that nobody else chooses."""
    if url := os.environ.get("PULSESTAGE_TEST_REDIS_URL"):
        yield url
    else:
        with running_valkey() as url:
            yield url


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The Chromium (or Chrome) of this machine, for Playwright's `executable_path`."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium on this machine")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, since many tests wait for something."""
    return 1 + (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; xdist hands out files in this order (`--no-loadscope-reorder`)."""
    rank = {Path(__file__).parent / f"{name}.py": place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI everything is there to be tested, so a skipped test has failed."""
    report = yield
    if "CI" in os.environ and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Likewise for a module that skips itself."""
    report = yield
    if "CI" in os.environ and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report
