"""Commands on a database say which one it is, and refuse one that is not there or empty."""

from pathlib import Path

import pytest

from pulsestage.storage.location import locate
from tests.cli.conftest import Call

EXISTING = [
    ("link", "--tenant", "default"),
    ("tenant", "list"),
    ("tenant", "export", "default"),
    ("tenant", "delete", "default", "--yes"),
    ("db", "new-epoch"),
    ("db", "copy", "--to", "sqlite:///copy.db"),
    ("backup", "file"),
]


@pytest.mark.parametrize("arguments", [*EXISTING, ("db", "current")], ids=" ".join)
def test_no_file_is_made_where_there_is_no_database(call: Call, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    called = call(*arguments)
    assert (called.code, called.out) == (1, "")
    file = tmp_path / ".pulsestage" / "pulsestage.db"
    assert called.err == (
        f"Error: There is no database {file}. PULSESTAGE_DATA_DIR names its folder;"
        " PULSESTAGE_DATABASE_URL names a database elsewhere.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_an_empty_database_is_refused(call: Call, tmp_path: Path, postgres_url: str) -> None:
    (tmp_path / "empty.db").touch()
    for url in (f"sqlite:///{tmp_path / 'empty.db'}", postgres_url):
        for arguments in EXISTING:
            called = call(*arguments, PULSESTAGE_DATABASE_URL=url)
            assert (called.code, called.out) == (1, ""), arguments
            sentence = f"The database {locate(url).name} is empty. PULSESTAGE_DATABASE_URL or --database-url names it."
            assert called.err == f"Error: {sentence}\n"
    assert [each.name for each in tmp_path.iterdir()] == ["empty.db"]


def test_no_password_is_printed(call: Call) -> None:
    called = call("db", "current", "--database-url", "postgresql+asyncpg://ann:hidden@127.0.0.1:1/pulsestage")
    assert called.code == 1
    assert "hidden" not in called.out + called.err


def test_a_new_epoch_is_counted_where_there_is_a_log(call: Call, database_url: str) -> None:
    call("db", "upgrade", PULSESTAGE_DATABASE_URL=database_url)
    called = call("db", "new-epoch")
    assert (called.code, called.out) == (1, "")
    assert "no tenant in" in called.err
    call("tenant", "create", "acme")
    name = locate(database_url).name
    assert call("db", "new-epoch").out == f"2 logs have a new epoch in {name}; clients of the old one will be reset.\n"


def test_commands_that_change_a_database_name_it(call: Call, tmp_path: Path, database_url: str) -> None:
    name = locate(database_url).name
    assert name in call("db", "upgrade", PULSESTAGE_DATABASE_URL=database_url).out
    assert name in call("db", "upgrade").out
    assert name in call("db", "current").out
    assert f"It is in {name}.\n" in call("tenant", "create", "acme").out
    assert name in call("backup", "file").out
    assert name in call("restore", "file", "--replace").out
    assert name in call("tenant", "delete", "acme", "--yes").out
