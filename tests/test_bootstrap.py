import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pulsestage import bootstrap
from pulsestage.bootstrap import RelayUnreachable, reach_relay, running, secret_if_made, secret_of
from pulsestage.cluster import wire_relay
from pulsestage.settings import Settings
from pulsestage.storage.event_log import SqlEventStore
from tests.servers.pgbouncer import running_pgbouncer


def settings(data_dir: Path, secret_key: str | None = None) -> Settings:
    return Settings(_env_file=None, data_dir=data_dir, secret_key=secret_key)


def test_a_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    made = secret_of(settings(tmp_path / "data"))
    assert len(made) == 64
    assert secret_of(settings(tmp_path / "data")) == made
    assert (tmp_path / "data/secret.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("first", [None, b"of a process that was faster than this one"])
def test_nobody_reads_half_a_secret_and_the_first_one_counts(
    first: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes | None] = []

    def meanwhile(_number: int) -> None:
        read.append(secret_if_made(settings(tmp_path)))
        if first is not None:
            (tmp_path / "secret.key").write_bytes(first)

    monkeypatch.setattr(os, "fsync", meanwhile)
    made = secret_of(settings(tmp_path))
    assert read == [None]
    assert made == (first or made)
    assert secret_of(settings(tmp_path)) == made
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]


@pytest.fixture
def _umask() -> Iterator[None]:
    """A user whose files everybody may change."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_umask")
async def test_data_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with running(settings(tmp_path / "data")):
        modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "data").iterdir()}
    files = ("pulsestage.db", "pulsestage.db-wal", "pulsestage.db-shm", "secret.key")
    assert modes == dict.fromkeys(files, 0o600)
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_a_secret_of_the_settings_makes_no_file(tmp_path: Path) -> None:
    assert secret_of(settings(tmp_path, "thirty-two characters or even more")) == b"thirty-two characters or even more"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("left", [b"", b"\n", b"0123456789abcdef"])
def test_a_file_without_a_secret_is_refused(left: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(left)
    with pytest.raises(OSError, match="no secret"):
        secret_of(settings(tmp_path))


async def test_of_two_instances_one_prunes_and_the_other_goes_on_when_it_stops(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pruned: list[SqlEventStore] = []
    prune = SqlEventStore.prune

    async def note(self: SqlEventStore, *given: Any, **named: Any) -> int:
        pruned.append(self)
        return await prune(self, *given, **named)

    async def rounds(number: int) -> set[SqlEventStore]:
        """Who did the next so many rounds."""
        done = len(pruned)
        while len(pruned) < done + number:  # noqa: ASYNC110 - what runs in the background has no event for it
            await asyncio.sleep(0.01)
        return set(pruned[done:])

    monkeypatch.setattr(SqlEventStore, "prune", note)
    here = Settings(_env_file=None, data_dir=tmp_path, database_url=database_url, prune_seconds=0.5)
    async with running(here):
        async with running(here):
            first = await rounds(3)
            assert len(first) == 1
        # The second ended before the first: whoever pruned, one of the two is left and prunes.
        assert len(await rounds(2)) == 1


async def test_a_pooler_that_no_relay_works_through_is_named_at_the_start(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(wire_relay, "SILENCE_SECONDS", 0.3)
    monkeypatch.setattr(bootstrap, "RELAY_PATIENCE_SECONDS", 1)
    with running_pgbouncer(postgres_url, "transaction") as url:
        here = Settings(_env_file=None, data_dir=tmp_path, database_url=url)
        await reach_relay(here)
        assert "A pooler in front of 127.0.0.1:" in caplog.text
        with pytest.raises(RelayUnreachable, match="A pooler in front of"):
            await reach_relay(here.model_copy(update={"relay_url": "postgres"}))
