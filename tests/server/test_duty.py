"""A worker's server, in this process: how it leaves its address to its siblings."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from pulsestage.cli.listening import listen, port_of
from pulsestage.server import duty
from pulsestage.server.duty import Duty, WorkerServer, receive
from pulsestage.server.serving import server_of
from pulsestage.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

REQUEST = b"GET %b HTTP/1.1\r\nHost: here\r\n\r\n"


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[tuple[WorkerServer, int]]:
    """A worker that answers, and its port."""
    [listener] = listen("127.0.0.1", 0)
    started = asyncio.Event()
    settings = Settings(_env_file=None, data_dir=directory, log_level="error")
    server = server_of(WorkerServer, settings, lambda _port: started.set())
    port = port_of(listener)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve([listener]))
        await started.wait()
        yield server, port
        server.should_exit = True


async def until_it_listens_no_more(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            return
        writer.close()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("path", [b"/health", b"/sse"])
async def test_who_was_accepted_before_it_retired_is_answered_and_comes_back_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: bytes
) -> None:
    monkeypatch.setattr(duty, "LINGER_SECONDS", 30)
    async with serving(tmp_path) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST % b"/health")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"connection: close" not in head
        await reader.readuntil(b"}")
        server.retiring = server.should_exit = True
        await until_it_listens_no_more(port)
        writer.write(REQUEST % path)
        answer = await asyncio.wait_for(reader.read(), 20)  # to the end
        writer.close()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close\r\n" in answer
    assert (b'"type":"goodbye"' in answer) == (path == b"/sse")


async def test_whoever_says_nothing_is_not_waited_for_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duty, "LINGER_SECONDS", 0.1)
    async with serving(tmp_path) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        server.retiring = server.should_exit = True
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()


def test_a_duty_arrives_as_it_was_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, port=5, secret_key=SecretStr("s" * 40), workers=2)
    sent = Duty(1, (7, 9), dict(settings))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(sent.packed())
        received = receive(theirs)
    monkeypatch.setenv("PULSESTAGE_PORT", "6")
    assert received == sent
    assert received.settings == settings


def test_what_its_supervisor_does_not_know_has_its_default() -> None:
    values = dict(Settings(_env_file=None))
    del values["port"]
    assert Duty(0, (), values).settings.port == Settings.model_fields["port"].default


@pytest.mark.parametrize("length", [0, 3, 20])
def test_without_a_supervisor_there_is_no_duty(length: int) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(Duty(0, (), {}).packed()[:length])
        with pytest.raises(EOFError):
            receive(theirs)
