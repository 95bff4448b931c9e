"""Several workers, as processes: what holds when they start, are replaced, die and stop."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.cli.processes import Process, eventually
from tests.live.clients import KINDS, Program
from tests.server.supervised import Site, runs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux spreads connections over sockets")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """The servers are processes of their own."""
    return "asyncio"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    site = Site(directory, "--database-url", f"sqlite:///{directory / 'named.db'}")
    try:
        assert site.url
        yield site
    finally:
        site.end()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Site]:
    """One to be stopped."""
    site = Site(tmp_path)
    try:
        assert site.url
        yield site
    finally:
        site.end()


def test_each_worker_answers_alone(site: Site) -> None:
    for number in range(2):
        assert httpx.get(f"{site.alone(number)}/health").json()["ok"] is True
        assert site.streams(number) == 0


async def test_streams_are_spread_over_the_workers(site: Site) -> None:
    async with open_streams(site.url, 40):
        shares = [await asyncio.to_thread(site.streams, number) for number in range(2)]
    assert sum(shares) == 40
    # By chance, and all by one would be once in 2^39.
    assert all(shares)


def test_what_was_given_as_an_option_reaches_them_and_nobody_else_sees_it(site: Site) -> None:
    assert (site.directory / "named.db").exists()
    assert not (site.directory / ".pulsestage/pulsestage.db").exists()
    for number in range(2):
        for shown in ("cmdline", "environ"):
            assert b"named.db" not in Path(f"/proc/{site.started(number)[-1]}/{shown}").read_bytes()


def test_the_log_says_whose_line_it_is(site: Site) -> None:
    assert {line.get("worker") for line in site.log()} == {None, 0, 1}
    assert "Worker 1 is ready" in str([line["event"] for line in site.log() if "worker" not in line])


def test_another_server_can_not_have_the_port(site: Site, tmp_path: Path) -> None:
    other = Process(tmp_path, "serve", "--workers", "2", "--port", site.url.rpartition(":")[2])
    assert other.ended() == 1
    assert re.fullmatch(r"Error: Port \d+ .* is taken by another program; [^\n]*\n", other.err)


async def test_a_restart_under_load_loses_no_request_and_no_event(site: Site) -> None:
    before = [site.started(number)[-1] for number in range(2)]
    done = len(site.started(0))
    asked: list[str] = []
    stop = asyncio.Event()
    stop_reading = asyncio.Event()
    readers = [Program(f"{site.url}/sse?events=question:created", KINDS["curl"]) for _ in range(6)]

    async def ask(limits: httpx.Limits) -> None:
        async with httpx.AsyncClient(limits=limits, timeout=60) as http:
            while not stop.is_set():
                body = f"Does question {len(asked)} arrive?"
                asked.append(body)
                answer = await http.post(f"{site.url}/questions", json={"body": body})
                assert answer.status_code == 201

    async def look() -> None:
        while not stop.is_set():
            await answered(site.url)

    async with asyncio.TaskGroup() as reading:
        for reader in readers:
            reading.create_task(until(stop_reading, reader.follow()))
        for reader in readers:
            await reader.knows(0, connections=1)
        async with asyncio.TaskGroup() as load:
            load.create_task(ask(httpx.Limits(max_keepalive_connections=0)))
            load.create_task(ask(httpx.Limits()))
            load.create_task(look())
            os.kill(before[0], signal.SIGSTOP)  # so busy that it accepts nothing
            try:
                waiting = [load.create_task(answered(site.url)) for _ in range(20)]
                os.kill(site.process.pid, signal.SIGHUP)
                # What went into its queue is answered by the new one already.
                await asyncio.wait_for(asyncio.gather(*waiting), 40)
            finally:
                os.kill(before[0], signal.SIGCONT)
            await asyncio.to_thread(site.logged, "All workers are new")
            stop.set()
        for reader in readers:
            await reader.knows(len(asked), connections=2)
        stop_reading.set()

    for reader in readers:
        assert sorted(message["data"]["body"] for _, message in reader.seen) == sorted(asked)
    after = [site.started(number)[-1] for number in range(2)]
    assert not set(before) & set(after)
    assert len(site.started(0)) == done + 1
    assert not any(map(runs, before))


def test_if_the_new_ones_can_not_start_the_old_ones_stay(site: Site) -> None:
    before = [site.started(number)[-1] for number in range(2)]
    with spoiled_secret(site):
        os.kill(site.process.pid, signal.SIGHUP)
        [match] = site.logged("Worker 0 stays as it is, and those after it: (.*)")
    assert match.group(1).startswith("This is no secret")
    assert [site.started(number)[-1] for number in range(2)] == before
    assert all(map(runs, before))
    assert "Traceback" not in site.process.err


def test_a_killed_worker_comes_back_and_the_others_serve_meanwhile(site: Site) -> None:
    killed = site.started(1)[-1]
    with spoiled_secret(site):
        os.kill(killed, signal.SIGKILL)
        site.logged(rf"Worker 1 \(process {killed}\) has ended with SIGKILL; starting another one")
        site.logged("Worker 1 could not start: This is no secret")
        for _ in range(20):  # each on a new connection, half of which would be the dead worker's
            assert httpx.get(f"{site.url}/health/ready").status_code == 200
    eventually(lambda: site.started(1)[-1] != killed, seconds=40)
    assert httpx.get(f"{site.alone(1)}/health").status_code == 200
    assert len(site.started(1)) == len(site.started(0)) + 1


async def test_one_signal_stops_all_and_every_stream_is_told_goodbye(fresh: Site) -> None:
    workers = [fresh.started(number)[-1] for number in range(2)]
    # Ctrl-C on a terminal is told a whole group, and would be told these twice.
    assert os.getpgid(fresh.process.pid) not in map(os.getpgid, workers)
    async with open_streams(fresh.url, 20) as streams:
        assert all([await asyncio.to_thread(fresh.streams, number) for number in range(2)])
        code = await asyncio.to_thread(fresh.process.stop, signal.SIGINT)
        ends = [await asyncio.wait_for(stream.aread(), 20) for stream in streams]
    assert code == 0
    assert all(b'"type":"goodbye"' in end for end in ends)
    assert "Traceback" not in fresh.process.err
    assert fresh.events().count("Shutting down") == 2
    assert not any(map(runs, workers))
    assert fresh.events()[-1] == "All workers have stopped"
    assert "Stopping all workers: told by SIGINT" in fresh.events()
    assert not [line for line in fresh.log() if line["level"] not in {"debug", "info"}]


async def test_if_the_watching_process_is_killed_the_workers_stop_in_good_order(fresh: Site) -> None:
    workers = [fresh.started(number)[-1] for number in range(2)]
    async with open_streams(fresh.url, 10) as streams:
        os.kill(fresh.process.pid, signal.SIGKILL)
        ends = [await asyncio.wait_for(stream.aread(), 20) for stream in streams]
    assert all(b'"type":"goodbye"' in end for end in ends)
    eventually(lambda: not any(map(runs, workers)))
    wrong = [line["event"] for line in fresh.log() if line["level"] == "error"]
    assert wrong == ["The supervisor is gone without a word: it was killed, or failed. Stopping"] * 2


def test_a_worker_that_can_not_start_at_first_stops_everything_with_a_sentence(tmp_path: Path) -> None:
    nothing = {"PULSESTAGE_TLS_CERTIFICATE": "/nowhere/certificate", "PULSESTAGE_TLS_KEY": "/nowhere/key"}
    process = Process(tmp_path, "serve", "--port", "0", "--workers", "2", **nothing)
    assert process.ended() == 1
    assert process.out == ""
    [last] = [line for line in process.err.splitlines() if not line.startswith("{")]
    assert re.fullmatch(r"Error: Worker \d could not start. No such file or directory.*", last)
    assert "Traceback" not in process.err


def test_a_taken_port_of_a_worker_names_its_setting(site: Site, tmp_path: Path) -> None:
    taken = site.alone(1).rpartition(":")[2]
    process = Process(tmp_path, "serve", "--port", "0", "--workers", "2", PULSESTAGE_WORKER_PORTS=taken)
    assert process.ended() == 1
    assert "choose another one with PULSESTAGE_WORKER_PORTS." in process.err


@asynccontextmanager
async def open_streams(url: str, number: int) -> AsyncIterator[list[httpx.Response]]:
    """So many streams, all of which have begun."""
    async with AsyncExitStack() as stack:
        # No connection is used twice: each may meet any worker.
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=30))
        streams = [await stack.enter_async_context(http.stream("GET", f"{url}/sse")) for _ in range(number)]
        assert {stream.status_code for stream in streams} == {200}
        yield streams


@contextmanager
def spoiled_secret(site: Site) -> Iterator[None]:
    """No worker can start in this block."""
    path = site.directory / ".pulsestage/secret.key"
    secret = path.read_bytes()
    path.write_bytes(b"short")
    try:
        yield
    finally:
        path.write_bytes(secret)


async def answered(url: str) -> None:
    """Ask something on a new connection; not whether it is ready, as a worker that stops answers and says no."""
    async with httpx.AsyncClient(timeout=60) as http:
        assert (await http.get(f"{url}/questions", params={"limit": 1})).status_code == 200


async def until(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do it until it is time to stop."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(work)
        await stop.wait()
        task.cancel()
