"""Backup, restore and copy as an operator calls them, on both databases."""

import json
import os
import zipfile
from pathlib import Path

import pytest

from pulsestage.storage.location import locate
from tests.cli.conftest import Call

SECRET = "thirty-two characters or even more"


def slugs(call: Call, url: str) -> list[str]:
    return [each["slug"] for each in json.loads(call("tenant", "list", "--json", "--database-url", url).out)]


@pytest.fixture
def filled(call: Call, database_url: str) -> str:
    """A database with the tenants `acme` and `default`."""
    call("tenant", "create", "acme", "--database-url", database_url)
    return database_url


def test_what_was_backed_up_is_restored(call: Call, tmp_path: Path, filled: str) -> None:
    for _ in range(2):  # an older file is in nobody's way
        called = call("backup", "qa.backup", "--database-url", filled)
        assert called.out.startswith("qa.backup has 2 tenants, 0 questions, 0 votes of ")
        assert called.out.count("\n") == 1
    call("tenant", "create", "later", "--database-url", filled)
    refused = call("restore", "qa.backup", "--database-url", filled)
    assert refused.code == 1
    assert refused.err.startswith(f"Error: There is data of 3 tenants in {locate(filled).name} already. --replace ")
    for _ in range(2):
        restored = call("restore", "qa.backup", "--replace", "--database-url", filled)
        assert (restored.code, restored.err) == (0, "")
        assert "has 2 tenants, 0 questions, 0 votes of qa.backup" in restored.out
        assert slugs(call, filled) == ["acme", "default"]
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere' / 'new.db'}"
    assert call("restore", "qa.backup", "--database-url", elsewhere).code == 0
    assert slugs(call, elsewhere) == ["acme", "default"]


def test_a_damaged_backup_changes_nothing(call: Call, tmp_path: Path, filled: str) -> None:
    call("backup", "qa.backup", "--database-url", filled)
    whole = (tmp_path / "qa.backup").read_bytes()
    (tmp_path / "qa.backup").write_bytes(whole[:-100])
    called = call("restore", "qa.backup", "--replace", "--database-url", filled)
    assert called.code == 1
    assert called.err.startswith("Error: qa.backup is damaged, or no backup of PulseStage: ")
    assert slugs(call, filled) == ["acme", "default"]
    called = call("restore", "no.backup", "--database-url", f"sqlite:///{tmp_path / 'new.db'}")
    assert called.err == "Error: No such file or directory: no.backup\n"
    assert not (tmp_path / "new.db").exists()


def test_a_backup_that_can_not_be_written_names_its_file_and_not_the_database(
    call: Call, tmp_path: Path, filled: str
) -> None:
    called = call("backup", "no/qa.backup", "--database-url", filled)
    assert (called.code, called.err) == (1, "Error: no/qa.backup can't be written: No such file or directory.\n")
    os.mkfifo(tmp_path / "pipe")
    called = call("backup", "pipe", "--database-url", filled)
    assert (called.code, called.err) == (1, "Error: pipe is no file, and a backup would take its place.\n")
    assert (tmp_path / "pipe").is_fifo()


def test_a_database_is_copied_to_one_of_the_other_kind(call: Call, tmp_path: Path, postgres_url: str) -> None:
    call("tenant", "create", "acme")
    copied = call("db", "copy", "--to", postgres_url)
    assert (copied.code, copied.out.count("2 tenants, 0 questions, 0 votes of ")) == (0, 1)
    assert slugs(call, postgres_url) == ["acme", "default"]
    refused = call("db", "copy", "--to", postgres_url)
    assert refused.err.startswith(f"Error: There is data of 2 tenants in {locate(postgres_url).name} already.")
    assert call("db", "copy", "--to", postgres_url, "--replace").code == 0
    back = f"sqlite:///{tmp_path / 'back.db'}"
    assert call("db", "copy", "--to", back, "--database-url", postgres_url).code == 0
    assert slugs(call, back) == ["acme", "default"]
    assert "to itself" in call("db", "copy", "--to", back, "--replace", "--database-url", back).err


def test_a_password_in_the_target_is_warned_of(call: Call) -> None:
    called = call("db", "copy", "--to", "postgresql://ann:hunter2@127.0.0.1:1/it")
    assert "A password on the command line can be read by every user" in called.err
    assert "--database-url" not in called.err.splitlines()[0]


def test_the_secret_is_in_the_file_when_asked(call: Call, tmp_path: Path) -> None:
    call("tenant", "create", "acme")
    key = tmp_path / ".pulsestage" / "secret.key"
    secret = key.read_bytes()
    assert f"keep a copy of {Path('.pulsestage/secret.key')} as well" in call("backup", "without").err
    assert call("backup", "with", "--with-secret").err == ""
    assert [name for name in ("without", "with") if "secret.key" in zipfile.ZipFile(name).namelist()] == ["with"]

    new = {"PULSESTAGE_DATA_DIR": str(tmp_path / "new")}
    assert "has no secret" in call("restore", "without", "--with-secret", **new).err
    assert not (tmp_path / "new").exists()
    assert call("restore", "with", "--with-secret", **new).err == ""
    assert (tmp_path / "new" / "secret.key").read_bytes() == secret
    assert (tmp_path / "new" / "secret.key").stat().st_mode & 0o777 == 0o600


def test_no_secret_is_written_over(call: Call, tmp_path: Path) -> None:
    call("tenant", "create", "acme")
    call("backup", "with", "--with-secret")
    new = tmp_path / "new"
    called = call("restore", "with", "--with-secret", PULSESTAGE_DATA_DIR=str(new), PULSESTAGE_SECRET_KEY=SECRET)
    assert called.err.startswith("Error: PULSESTAGE_SECRET_KEY is another secret than the backup's.")
    assert not new.exists()
    called = call("restore", "with")
    assert called.code == 0
    assert called.err.startswith("PULSESTAGE_SECRET_KEY is not the secret that the backup was made with.")
    os.environ.pop("PULSESTAGE_SECRET_KEY")
    new.joinpath("secret.key").write_text(SECRET)
    called = call("restore", "with", "--with-secret", "--replace")
    assert called.err.startswith(f"Error: {new / 'secret.key'} is another secret than the backup's.")
    assert new.joinpath("secret.key").read_text() == SECRET


def test_a_backup_makes_no_secret(call: Call, tmp_path: Path) -> None:
    call("tenant", "create", "acme")
    call("backup", "made")
    (tmp_path / ".pulsestage" / "secret.key").unlink()
    missing = f"{Path('.pulsestage/secret.key')} is missing: put back the secret that the backup was made with."
    assert call("restore", "made", "--replace").err.startswith(missing)
    assert call("backup", "file").err == ""
    assert call("restore", "file", "--replace", PULSESTAGE_SECRET_KEY=SECRET).err == ""  # nobody knows which it was
    os.environ.pop("PULSESTAGE_SECRET_KEY")
    assert call("backup", "file", "--with-secret").err.startswith("Error: There is no secret")
    assert not (tmp_path / ".pulsestage" / "secret.key").exists()
