"""The library's page, run as it stands: every application under a real server, the relay, the contract suite."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from pulsestage.realtime import MemoryBus, MemoryEventStore, StreamRequest
from tests.docs.documents import read, snippets
from tests.realtime.support import Frame, RecordingSink, settle
from tests.servers.asgi import AsgiServer, serving


def library(mark: str) -> str:
    """The one snippet of the library's page with this mark."""
    [example] = [each for each in snippets(read("docs/library.md")) if each.mark == mark]
    return example.text


# ---- Applications and servers ------------------------------------------------------------------

COMMANDS = {
    "uvicorn": "uvicorn ticker:app",
    "uvicorn with hand-off": "uvicorn --http pulsestage.server.protocol:StreamingProtocol ticker:app",
    "gunicorn with uvicorn": "gunicorn -k uvicorn_worker.UvicornWorker ticker:app",
    "gunicorn with hand-off": "gunicorn -k streaming_worker.StreamingWorker ticker:app",
    "gunicorn": "gunicorn -k asgi ticker:app",
    "granian": "granian --interface asgi ticker:app",
    "hypercorn": "hypercorn --workers 0 ticker:app",
}
FRAMEWORKS = ("starlette", "fastapi", "litestar", "django")
PAIRS = [
    ("starlette", "uvicorn"),
    ("fastapi", "uvicorn with hand-off"),
    ("litestar", "uvicorn with hand-off"),
    ("django", "gunicorn with uvicorn"),
    ("fastapi", "gunicorn with hand-off"),
    ("starlette", "gunicorn"),
    ("fastapi", "granian"),
    ("litestar", "hypercorn"),
    ("django", "uvicorn"),
]


@contextmanager
def application(directory: Path, framework: str, server: str) -> Iterator[AsgiServer]:
    """One of the page's applications under one of its servers."""
    for name in ("market.py", "streaming_worker.py"):
        (directory / name).write_text(library(name))
    (directory / "ticker.py").write_text(library(f"{framework}: ticker.py"))
    with serving(directory, COMMANDS[server]) as running:
        yield running


@pytest.fixture(scope="module")
def applications(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], AsgiServer]]:
    """All of them, started at the same time."""
    with ExitStack() as stack:
        yield {
            (framework, server): stack.enter_context(application(tmp_path_factory.mktemp(framework), framework, server))
            for framework, server in PAIRS
        }


async def trades(server: AsgiServer, count: int, encoding: str = "identity", last: str | None = None) -> list[Frame]:
    """So many trades of a new stream, and some more that come one by one."""
    async with server.stream("/ticker", encoding, last) as stream:
        assert stream.headers["vary"] == "Accept-Encoding"
        assert (await stream.next()).type == "connected"
        seen: list[Frame] = []
        while len(seen) < count or stream.pieces < 4:
            seen.append(await stream.next())
        return seen


def seq(trade: Frame) -> int:
    return int(str(trade.id).rpartition(".")[2])


def test_the_servers_of_the_page_are_those_that_are_tried() -> None:
    assert library("servers").splitlines() == list(COMMANDS.values())
    assert {framework for framework, _ in PAIRS} == set(FRAMEWORKS)
    assert {server for _, server in PAIRS} == set(COMMANDS)


@pytest.mark.parametrize("framework, server", PAIRS)
async def test_events_come_one_by_one_a_reader_resumes_and_the_server_stops(
    framework: str, server: str, applications: dict[tuple[str, str], AsgiServer]
) -> None:
    running = applications[framework, server]
    await running.started()
    async with running.client() as client:  # where the framework has one, made of all routes
        assert (await client.get("/openapi.json")).status_code in {200, 404}
    before = await trades(running, 3, "gzip")
    await trades(running, 1)  # meanwhile
    after = await trades(running, 5, last=before[-1].id)
    assert [seq(trade) for trade in before + after] == list(range(seq(before[0]), seq(after[-1]) + 1))
    again = await trades(running, len(before + after) - 1, "gzip", last=before[0].id)
    assert [before[0], *again][: len(before + after)] == before + after
    async with running.stream("/ticker") as stream:
        await stream.next()
        running.process.terminate()
        assert (await stream.rest())[-1].type == "goodbye"
    await running.exit()
    assert running.errors() == []


async def test_the_ticker_resets_who_knows_it_from_before_its_restart(tmp_path: Path) -> None:
    with application(tmp_path, "starlette", "uvicorn") as running:
        await running.started()
        async with running.stream("/ticker", last="17a2b.1") as stream:
            assert [(await stream.next()).type for _ in range(2)] == ["connected", "reset"]


def test_the_ticker_needs_no_questions_and_no_sql(tmp_path: Path) -> None:
    (tmp_path / "market.py").write_text(library("market.py"))
    code = library("starlette: ticker.py") + "\nimport sys; print(*sys.modules)"
    command = [sys.executable, "-W", "error", "-c", code]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = result.stdout.split()
    ours = {name.split(".")[1] for name in loaded if name.startswith("pulsestage.")}
    assert ours == {"realtime"}
    assert {"starlette", "msgspec"} <= set(loaded)
    assert not {"sqlalchemy", "fastapi", "pydantic", "uvicorn"} & set(loaded)


def test_importing_the_engine_reads_no_metadata_of_packages() -> None:
    code = "import sys; before = set(sys.modules); import pulsestage.realtime; print(*set(sys.modules) - before)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pulsestage.realtime" in result.stdout.split()
    assert "importlib.metadata" not in result.stdout.split()


# ---- Relays, and suites for others -------------------------------------------------------------


def run(code: str, module: dict[str, Any]) -> None:
    """Run a snippet as a module with these names in it."""
    exec(compile(code, "example.py", "exec"), module)  # noqa: S102 - our own example


async def test_the_librarys_relay_brings_to_one_process_what_another_has_committed() -> None:
    store, bus = MemoryEventStore(), MemoryBus()
    store.create("t1")
    here: dict[str, Any] = {"bus": bus, "store": store}
    there: dict[str, Any] = {"bus": bus, "store": store}
    for process in (here, there):
        run(library("runs with a store and a bus"), process)
    async with here["hub"], there["hub"]:
        sink = RecordingSink()
        await there["hub"].subscribe(StreamRequest(tenant="t1", audiences=("public",)), sink)
        await settle()
        here["hub"].append("t1", "e1", [store.append("t1", "said", 0, {"public": b"{}"})])
        await settle()
        assert sink.types == ["connected", "said"]


def test_the_librarys_contract_suite_runs_as_shown(tmp_path: Path) -> None:
    (tmp_path / "test_memory.py").write_text(library("runs as tests"))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-W",
        "error",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
    ]
    result = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert result.returncode == 0, result.stdout
    assert re.search(r"^\d\d passed in", result.stdout, re.MULTILINE)
