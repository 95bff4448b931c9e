from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pulsestage.bootstrap import secret_file, secret_of
from pulsestage.cli.risks import has_password, risks
from pulsestage.storage.location import locate
from tests.http.conftest import make_settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Call, Start

BELIEVES_EVERYBODY = "FORWARDED_ALLOW_IPS believes everybody"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o604])
def test_a_secret_that_others_can_use_is_one(tmp_path: Path, mode: int) -> None:
    settings = make_settings(tmp_path)
    assert list(risks(settings)) == []  # there is none yet
    secret_of(settings)
    assert list(risks(settings)) == []
    secret_file(settings).chmod(mode)
    [sentence] = risks(settings)
    assert f"chmod 600 {tmp_path / 'secret.key'}" in sentence
    assert list(risks(make_settings(tmp_path, secret_key="s" * 32))) == []  # the file is not used


@pytest.mark.parametrize("trusted", ["*", "127.0.0.1, *", "0.0.0.0/0", "::/0"])
def test_believing_everybody_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: str) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)
    [sentence] = risks(make_settings(tmp_path))
    assert sentence.startswith(BELIEVES_EVERYBODY)
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "10.0.0.0/8,127.0.0.1")
    assert list(risks(make_settings(tmp_path))) == []


def test_a_password_among_the_arguments_is_one() -> None:
    for shown in ("postgresql://me:secret@db/name", "postgres://me@db/name?password=secret"):
        assert has_password(locate(shown))
    for harmless in ("sqlite:///a.db", "postgresql+asyncpg://me@db/name"):
        assert not has_password(locate(harmless))


def test_commands_say_that_a_password_is_seen_and_do_not_repeat_it(call: Call) -> None:
    called = call("db", "current", "--database-url", "postgresql+asyncpg://me:hunter2@127.0.0.1:1/name")
    assert "can be read by every user of this machine" in called.err
    assert "hunter2" not in called.out + called.err
    harmless = call("db", "current", PULSESTAGE_DATABASE_URL="postgresql+asyncpg://me:hunter2@127.0.0.1:1/name")
    assert "every user" not in harmless.err


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_says_them_once_at_its_start(start: Start, tmp_path: Path, workers: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "secret.key").write_text("s" * 64)
    (data / "secret.key").chmod(0o644)
    surroundings = {"PULSESTAGE_DATA_DIR": "data", "FORWARDED_ALLOW_IPS": "*", "PULSESTAGE_LOG_FORMAT": "json"}
    server = start("serve", "--port", "0", "--workers", workers, directory=tmp_path, **surroundings)
    server.printed("serves")
    assert server.stop() == 0
    assert server.err.count(BELIEVES_EVERYBODY) == 1
    assert server.err.count("can be read by other users") == 1
