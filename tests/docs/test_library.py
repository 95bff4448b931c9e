"""The library's page, run as it stands: every application under a real server, the relay, the contract suite."""

import asyncio
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from pulsestage.realtime import MemoryBus, MemoryEventStore, StreamRequest
from tests.docs.documents import read, snippets
from tests.realtime.support import Frame, RecordingSink, parse, settle

PATIENCE_SECONDS = 20
"""Nothing is measured with it. A server that waits for streams to end by themselves waits longer."""


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


@dataclass(frozen=True)
class Application:
    """An example that is served by a process of its own."""

    process: subprocess.Popen[bytes]
    address: str
    log: Path

    @asynccontextmanager
    async def stream(self, encoding: str = "identity", last: str = "") -> AsyncIterator[AsyncIterator[str]]:
        """What comes of a new stream, piece by piece."""
        headers = {"Accept-Encoding": encoding, **({"Last-Event-ID": last} if last else {})}
        async with (
            httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as client,
            client.stream("GET", f"{self.address}/ticker", headers=headers) as response,
        ):
            assert response.headers["content-type"] == "text/event-stream"
            assert response.headers.get("content-encoding", "identity") == encoding
            assert response.headers["vary"] == "Accept-Encoding"
            yield response.aiter_text()

    async def trades(self, count: int, encoding: str = "identity", last: str = "") -> list[Frame]:
        """So many trades of a new stream, and off."""
        async with self.stream(encoding, last) as pieces:
            text, live = "", 0
            async for piece in pieces:
                text += piece
                live += '"traded"' in piece
                connected, *trades = parse(text.rpartition("\n\n")[0] + "\n\n")
                assert connected.type == "connected"
                if len(trades) >= count and live > 2:  # they come one by one, and not when a buffer is full
                    return trades
        raise AssertionError(text)

    async def started(self) -> None:
        """Until it answers."""
        async with asyncio.timeout(PATIENCE_SECONDS), httpx.AsyncClient(trust_env=False) as client:
            while True:
                assert self.process.poll() is None, self.log.read_text()
                with suppress(httpx.TransportError):
                    assert (await client.get(f"{self.address}/nothing")).status_code == 404
                    return
                await asyncio.sleep(0.05)


@contextmanager
def serving(directory: Path, framework: str, command: str) -> Iterator[Application]:
    """One of the page's applications under one of its servers."""
    for name in ("market.py", "streaming_worker.py"):
        (directory / name).write_text(library(name))
    (directory / "ticker.py").write_text(library(f"{framework}: ticker.py"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    program, *arguments = shlex.split(command)
    where = {"uvicorn": ["--port"], "granian": ["--port"], "gunicorn": ["--bind"], "hypercorn": ["--bind"]}[program]
    where.append(address if where == ["--bind"] else address.rpartition(":")[2])
    log = directory / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", program, *where, *arguments],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(directory)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield Application(process, f"http://{address}", log)
    finally:
        with suppress(ProcessLookupError):  # workers too
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def applications(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], Application]]:
    """All of them, started at the same time."""
    with ExitStack() as stack:
        yield {
            (framework, server): stack.enter_context(
                serving(tmp_path_factory.mktemp(framework), framework, COMMANDS[server])
            )
            for framework, server in PAIRS
        }


def test_the_servers_of_the_page_are_those_that_are_tried() -> None:
    assert library("servers").splitlines() == list(COMMANDS.values())
    assert {framework for framework, _ in PAIRS} == set(FRAMEWORKS)
    assert {server for _, server in PAIRS} == set(COMMANDS)


@pytest.mark.parametrize("framework, server", PAIRS)
async def test_events_come_one_by_one_a_reader_resumes_and_the_server_stops(
    framework: str, server: str, applications: dict[tuple[str, str], Application]
) -> None:
    application = applications[framework, server]
    await application.started()
    before = await application.trades(3, "gzip")
    await application.trades(3)  # meanwhile
    after = await application.trades(6, last=str(before[-1].id))
    whole = await application.trades(len(before + after) - 1, "gzip", last=str(before[0].id))
    first = seq(before[0])
    assert [seq(trade) for trade in before + after] == list(range(first, first + len(before + after)))
    assert [(trade.id, trade.data) for trade in whole][: len(before + after) - 1] == [
        (trade.id, trade.data) for trade in (before + after)[1:]
    ]
    async with application.stream() as pieces:
        text = await anext(pieces)
        application.process.terminate()
        async with asyncio.timeout(PATIENCE_SECONDS):
            text += "".join([piece async for piece in pieces])
    assert list(parse(text))[-1].type == "goodbye"
    await asyncio.to_thread(application.process.wait, PATIENCE_SECONDS)
    assert "Traceback" not in application.log.read_text()


def seq(trade: Frame) -> int:
    return int(str(trade.id).rpartition(".")[2])


async def test_the_ticker_resets_who_knows_it_from_before_its_restart(tmp_path: Path) -> None:
    with serving(tmp_path, "starlette", COMMANDS["uvicorn"]) as application:
        await application.started()
        text = ""
        async with application.stream(last="17a2b.1") as pieces:
            while len(list(parse(text))) < 2:
                text += await anext(pieces)
    assert [frame.type for frame in parse(text)][:2] == ["connected", "reset"]


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
