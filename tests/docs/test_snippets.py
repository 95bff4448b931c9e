"""What documents show, run: shell and Python against a real demo, the library's example under a real uvicorn."""

import ast
import asyncio
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from httpx_sse import aconnect_sse

from pulsestage.realtime import MemoryBus, MemoryEventStore, StreamRequest
from tests.docs.documents import DOCUMENTS, ROOT, Snippet, code_in, prose, read, snippets
from tests.realtime.support import RecordingSink, settle

DEMO = "runs against the demo"
ADDRESS = "http://127.0.0.1:7717"


def marked(document: str, language: str) -> list[Snippet]:
    return [each for each in snippets(read(document)) if each.language == language and each.mark == DEMO]


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """A demo without an audience; its address."""
    command = [sys.executable, "-m", "pulsestage", "demo", "--port", "0", "--audience", "0", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


# A bare machine of the CI may have no curl, and a skipped test counts as failed there.
if shutil.which("curl"):

    @pytest.mark.parametrize(
        "document, expected",
        [
            ("README.md", ['"isGuest":true', '"isMine":true', '"hasUpvoted":true', '"type":"snapshot"']),
            ("docs/streams.md", ['"type":"connected"', '"type":"question:created"']),
        ],
    )
    def test_what_is_shown_for_the_shell_works(document: str, expected: list[str], demo: str, tmp_path: Path) -> None:
        (tmp_path / ".curlrc").write_text("max-time = 1.5\n")  # streams don't end by themselves
        script = "\n".join(each.text for each in marked(document, "sh")).replace(ADDRESS, demo)
        environment = {**os.environ, "CURL_HOME": str(tmp_path)}
        result = subprocess.run(
            ["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        shown = result.stdout.replace('": ', '":')
        assert [each for each in expected if each not in shown] == []


def test_what_is_shown_for_python_works(demo: str) -> None:
    [client] = marked("docs/streams.md", "python")
    code = client.text.replace(ADDRESS, demo)
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert re.match(r"\d+ questions at \w+\.\d+", result.stdout)


@pytest.mark.parametrize("protocol", ["auto", "pulsestage.server.protocol:StreamingProtocol"])
async def test_who_drops_off_the_librarys_ticker_and_comes_back_misses_nothing(protocol: str) -> None:
    module: dict[str, Any] = {}
    run(library("runs"), module)
    module["PAUSE"] = 0.001
    store: MemoryEventStore = module["store"]
    assert protocol == "auto" or protocol in read("docs/library.md")
    async with served(module["app"], protocol) as client:
        before = await ticks(client, 5)
        await at_least(store, before[-1].seq + 20)
        after = await ticks(client, 40, before[-1].id)
    seen = before + after
    first = before[0].seq
    assert [tick.seq for tick in seen] == list(range(first, first + 45))
    logged = await store.read("stocks", first - 1, 45)
    assert [tick.data for tick in seen] == [json.loads(event.variants["public"]) for event in logged]


async def test_the_librarys_ticker_resets_who_knows_it_from_before_its_restart() -> None:
    module: dict[str, Any] = {}
    run(library("runs"), module)
    async with (
        served(module["app"], "auto") as client,
        aconnect_sse(client, "GET", "/ticker", headers={"Last-Event-ID": "17a2b.1"}) as stream,
    ):
        frames = stream.aiter_sse()
        assert [(await anext(frames)).json()["type"] for _ in range(2)] == ["connected", "reset"]


def test_the_librarys_ticker_needs_no_questions_and_no_sql() -> None:
    code = library("runs") + "\nimport sys; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    loaded = result.stdout.split()
    ours = {name.split(".")[1] for name in loaded if name.startswith("pulsestage.")}
    assert ours == {"realtime"}
    assert {"starlette", "msgspec"} <= set(loaded)
    assert not {"sqlalchemy", "fastapi", "pydantic", "uvicorn"} & set(loaded)


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


def library(mark: str) -> str:
    """The one snippet of the library's page with this mark."""
    [example] = [each for each in snippets(read("docs/library.md")) if each.mark == mark]
    return example.text


def run(code: str, module: dict[str, Any]) -> None:
    """Run a snippet as a module with these names in it."""
    exec(compile(code, "example.py", "exec"), module)  # noqa: S102 - our own example


@asynccontextmanager
async def served(app: Any, protocol: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The application under a uvicorn that speaks by this protocol, for as long as the block."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none", http=protocol))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve([listening]))
            async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
                yield client
            server.should_exit = True


@dataclass(frozen=True)
class Tick:
    id: str
    data: Any

    @property
    def seq(self) -> int:
        return int(self.id.rpartition(".")[2])


async def ticks(client: httpx.AsyncClient, count: int, last: str = "") -> list[Tick]:
    """So many trades of a new stream, and off."""
    async with aconnect_sse(client, "GET", "/ticker", headers={"Last-Event-ID": last} if last else {}) as stream:
        frames = stream.aiter_sse()
        assert (await anext(frames)).json()["type"] == "connected"
        return [Tick(frame.id, frame.json()["data"]) for frame in [await anext(frames) for _ in range(count)]]


async def at_least(store: MemoryEventStore, seq: int) -> None:
    """Until the market has got so far."""
    async with asyncio.timeout(10):
        while (await store.bounds(["stocks"]))["stocks"].head < seq:  # noqa: ASYNC110 - a store says nothing
            await asyncio.sleep(0.001)


def test_every_python_snippet_is_python_and_every_json_is_json() -> None:
    for document in DOCUMENTS:
        for each in snippets(document.read_text(encoding="utf-8")):
            if each.language == "python":
                ast.parse(each.text)
            if each.language == "json":
                json.loads(each.text)


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        shown = [*code_in(prose(text)), *(line for each in snippets(text) for line in each.text.splitlines())]
        named = {match.group(1) for line in shown if (match := re.match(r"make ([a-z]+)", line))}
        assert named <= targets, document.name


def test_commands_and_options_in_shell_snippets_are_documented() -> None:
    commands = read("docs/cli.md")
    for document in DOCUMENTS:
        for each in snippets(document.read_text(encoding="utf-8")):
            for line in each.text.replace("\\\n", "").splitlines() if each.language == "sh" else ():
                _, program, arguments = line.partition("bin/pulsestage ")
                if not program:
                    continue
                words = shlex.split(arguments, comments=True)
                name = " ".join(word for word in words[:2] if re.fullmatch("[a-z]+", word))
                known = commands.partition(f"## `pulsestage {name}")[2].partition("\n## ")[0]
                assert known, line
                assert all(f"`{word}`" in known for word in words if word.startswith("--")), line


def test_scripts_that_are_named_exist() -> None:
    for path in (".ci/run", "scripts", "bench/votes.py", "requirements"):
        assert (ROOT / path).exists()
