"""What an operator may choose, and what is refused before it can do harm."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pulsestage.settings import Settings, UnknownSetting


def settings(**chosen: Any) -> Settings:
    return Settings(_env_file=None, **chosen)


def test_origins_are_named_one_by_one() -> None:
    given = "https://slides.example/, http://localhost:5173, "
    assert settings(cors_origins=given).cors_origins == ("https://slides.example", "http://localhost:5173")
    assert settings(cors_origins="").cors_origins == ()


@pytest.mark.parametrize("origin", ["*", "https://*.example", "slides.example", "null", "https://slides.example/page"])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    """Above all `*`: with credentials, it would let every page on the internet act as whoever looks at it."""
    with pytest.raises(ValidationError, match="is no origin"):
        settings(cors_origins=f"https://slides.example,{origin}")


@pytest.mark.parametrize(
    "name, nearest",
    [
        ("PULSESTAGE_WORKER", "; did you mean PULSESTAGE_WORKERS?"),
        ("PULSESTAGE_SECRET_KEY_FILES", "; did you mean PULSESTAGE_SECRET_KEY_FILE?"),
        ("pulsestage_log_levle", "; did you mean PULSESTAGE_LOG_LEVEL?"),
        ("PULSESTAGE_QQ", "."),
    ],
)
def test_a_name_that_is_no_setting_is_refused(
    name: str, nearest: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    message = re.escape(f"There is no setting {name.upper()}{nearest}")
    file = tmp_path / ".env"
    file.write_text(f"# PULSESTAGE_NOTHING=1\nOTHER=1\n{name}=4\n")
    with pytest.raises(UnknownSetting, match=message):
        Settings(_env_file=file)
    monkeypatch.setenv(name, "4")
    with pytest.raises(UnknownSetting, match=message):
        settings()


def test_names_that_are_not_ours_are_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PULSESTAGE_TEST_POSTGRES_URL", "PULSESTAGES", "WORKERS", "PULSESTAGE_VOTES_PER_MINUTE"):
        monkeypatch.setenv(name, "7")
    secret = tmp_path / "key"
    secret.write_text("s" * 32)
    monkeypatch.setenv("PULSESTAGE_SECRET_KEY_FILE", str(secret))
    chosen = settings()
    assert (chosen.workers, chosen.votes_per_minute) == (1, 7)
    assert chosen.secret_key is not None


def test_a_file_may_be_named_in_the_environment_and_in_env_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        (tmp_path / name).write_text(f"sqlite:///{name}\n")
    variables = tmp_path / ".env"
    variables.write_text(f"PULSESTAGE_DATABASE_URL_FILE={tmp_path / 'second'}\n")
    assert Settings(_env_file=variables).database_url == "sqlite:///second"
    monkeypatch.setenv("PULSESTAGE_DATABASE_URL_FILE", str(tmp_path / "first"))
    assert Settings(_env_file=variables).database_url == "sqlite:///first"


def test_a_certificate_and_its_key_belong_together(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="belong together"):
        settings(tls_certificate=tmp_path / "chain.pem")
    with pytest.raises(ValidationError, match="belong together"):
        settings(tls_key=tmp_path / "key.pem")
    both = settings(tls_certificate=tmp_path / "chain.pem", tls_key=tmp_path / "key.pem")
    assert both.base_url.startswith("https://")
    assert settings().base_url.startswith("http://")


def test_a_tilde_is_the_home_directory_where_no_shell_has_made_it_that() -> None:
    assert settings(data_dir="~/qa").data_dir == Path.home() / "qa"
    both = settings(tls_certificate="~/chain.pem", tls_key="~/key.pem")
    assert (both.tls_certificate, both.tls_key) == (Path.home() / "chain.pem", Path.home() / "key.pem")


def test_a_prefix_is_written_into_addresses_as_they_demand_it() -> None:
    assert settings(root_path="/q a/Zoë").base_url == "http://127.0.0.1:7717/q%20a/Zo%C3%AB"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_on_postgresql_the_relay_is_the_database(scheme: str) -> None:
    assert settings(database_url=f"{scheme}://db.example/qa").url_of_relay == "postgres"
    assert settings(database_url="sqlite:///qa.db").url_of_relay == "memory"
    assert settings().url_of_relay == "memory"
