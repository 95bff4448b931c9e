"""What a worker is told, as it arrives."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from pulsestage.server import duty
from pulsestage.server.duty import Duty, WorkerServer, receive
from pulsestage.server.serving import INTERRUPTED_LINGER_SECONDS, LINGER_SECONDS, server_of
from pulsestage.settings import Settings
from tests.http.conftest import make_settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "word, has_successor, linger_seconds",
    [
        (b"retire\n", True, LINGER_SECONDS),
        (b"stop\n", False, LINGER_SECONDS),
        (b"interrupt\n", False, INTERRUPTED_LINGER_SECONDS),
        (b"", False, LINGER_SECONDS),
    ],
)
async def test_what_a_worker_is_told_decides_how_it_stops(
    tmp_path: Path, word: bytes, linger_seconds: float, *, has_successor: bool
) -> None:
    server = server_of(WorkerServer, make_settings(tmp_path, drain_seconds=7))
    reader = asyncio.StreamReader()
    reader.feed_data(word)
    reader.feed_eof()
    await duty._heed(reader, server)
    assert server.should_exit
    assert (server.has_successor, server.linger_seconds) == (has_successor, linger_seconds)
    assert server.drain_seconds == (0 if word == b"interrupt\n" else 7)


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
