"""`db upgrade` and `db current` on databases that newer and older versions use as well."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pulsestage.services.ports import Facts
from pulsestage.storage import migrate
from pulsestage.storage.database import Database
from pulsestage.storage.instances import SqlRoll
from pulsestage.storage.location import locate
from tests.storage.test_migrate_tolerance import OURS, Additive, InTwoParts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.cli.conftest import Call

ADDED = Additive("9001")
NEWER = (*OURS, ADDED, InTwoParts("9002", drops="added_9001"))
OLDER = Facts("0.1.0", address="http://10.0.0.11:7717")


def on(url: str, work: Any) -> Any:
    """Do something with the database, in a thread: the test may have an event loop of its own."""

    async def opened() -> Any:
        database = Database(url)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(opened())


def upgraded(url: str, known: Sequence[migrate.Migration], *, finish: bool = False) -> None:
    on(url, lambda database: migrate.upgrade(database, known=known, finish=finish))


def current(call: Call, url: str) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(call("db", "current", "--json", "--database-url", url).out)
    return shown


def sign(url: str, facts: Facts) -> None:
    on(url, lambda database: SqlRoll(database).sign("another", facts))


@contextmanager
def signing(url: str, facts: Facts) -> Iterator[None]:
    """An instance that lives as long as the block."""
    signed, ended = threading.Event(), threading.Event()

    async def sign_on(database: Database) -> None:
        while not ended.is_set():
            await SqlRoll(database).sign("another", facts)
            signed.set()
            await asyncio.sleep(0.05)

    thread = threading.Thread(target=on, args=(url, sign_on))
    thread.start()
    signed.wait()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_a_newer_schema_that_tolerates_this_version_is_shown(call: Call, database_url: str) -> None:
    upgraded(database_url, NEWER[:-1])
    assert current(call, database_url) == {
        "database": locate(database_url).name,
        "current": "9001",
        "needed": OURS[-1].revision,
        "upToDate": True,
        "toleratedFrom": max(each.revision for each in OURS if each.finish),
        "tolerated": True,
        "unfinished": [],
        "instances": [],
    }
    assert call("tenant", "list", "--database-url", database_url).code == 0


@pytest.mark.parametrize("command", [("tenant", "list"), ("serve", "--port", "0"), ("db", "upgrade")])
def test_a_schema_that_does_not_tolerate_this_version_is_refused_in_a_sentence(
    call: Call, sqlite_url: str, command: tuple[str, ...]
) -> None:
    upgraded(sqlite_url, [*NEWER[:-1], Additive("9003", tolerated_from="9001")])
    called = call(*command, "--database-url", sqlite_url)
    assert called.code == 1
    assert called.err.startswith("Error: A newer version has brought the database to schema 9003, which only")
    assert called.err.count("\n") == 1
    assert "can't use the database" in call("db", "current", "--database-url", sqlite_url).err
    assert current(call, sqlite_url)["tolerated"] is False


def test_an_upgrade_is_finished_after_the_last_older_instance(
    call: Call, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = ("--database-url", database_url)
    upgraded(database_url, OURS)
    monkeypatch.setattr(migrate, "migrations", lambda: NEWER)
    done = call("db", "upgrade", *here)
    assert done.out == f"The database {locate(database_url).name} went from {OURS[-1].revision} to 9002.\n"
    assert "Not finished: 9002." in done.err
    assert current(call, database_url)["unfinished"] == ["9002"]

    with signing(database_url, OLDER):
        listed = current(call, database_url)["instances"]
        assert listed == [{"version": "0.1.0", "schema": "0003", "address": "http://10.0.0.11:7717"}]
        assert " 0.1.0 " in call("db", "current", *here).out
        refused = call("db", "upgrade", "--finish", *here, PULSESTAGE_CENSUS_SECONDS="0.2")
    assert refused.code == 1
    assert "Older instances still run: version 0.1.0 at http://10.0.0.11:7717." in refused.err
    assert current(call, database_url)["unfinished"] == ["9002"]

    # On PostgreSQL the row that it left doesn't change any more; on SQLite the next server replaces it.
    if database_url.startswith("sqlite"):
        assert call("db", "upgrade", "--finish", *here).code == 1
        sign(database_url, Facts("9", schema="9002"))
    done = call("db", "upgrade", "--finish", *here, PULSESTAGE_CENSUS_SECONDS="0.1")
    assert (done.code, "Finished 9002" in done.out) == (0, True)
    shown = current(call, database_url)
    assert (shown["unfinished"], shown["toleratedFrom"]) == ([], "9002")


def test_only_the_newer_version_finishes_its_upgrade(call: Call, sqlite_url: str) -> None:
    upgraded(sqlite_url, OURS)
    upgraded(sqlite_url, NEWER)
    called = call("db", "upgrade", "--finish", "--database-url", sqlite_url)
    assert (called.code, "let that version finish it" in called.err) == (1, True)
