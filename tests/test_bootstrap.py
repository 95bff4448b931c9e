from pathlib import Path

import pytest

from pulsestage.bootstrap import secret_of
from pulsestage.settings import Settings


def settings(data_dir: Path, secret_key: str | None = None) -> Settings:
    return Settings(_env_file=None, data_dir=data_dir, secret_key=secret_key)


def test_a_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    made = secret_of(settings(tmp_path / "data"))
    assert len(made) == 64
    assert secret_of(settings(tmp_path / "data")) == made
    assert (tmp_path / "data/secret.key").stat().st_mode & 0o777 == 0o600


def test_a_secret_of_the_settings_makes_no_file(tmp_path: Path) -> None:
    assert secret_of(settings(tmp_path, "thirty-two characters or even more")) == b"thirty-two characters or even more"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("left", [b"", b"\n", b"0123456789abcdef"])
def test_a_file_without_a_secret_is_refused(left: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(left)
    with pytest.raises(OSError, match="no secret"):
        secret_of(settings(tmp_path))
