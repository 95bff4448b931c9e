"""A database that can't do it now: 503, nothing half-written, and all is well again afterwards."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from pulsestage.storage import sqlite
from tests.http.conftest import Room, assert_problem, make_settings, serving


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FastAPI]:
    """On a SQLite file of its own, and impatient."""
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    async with serving(make_settings(tmp_path)) as app:
        yield app


@pytest.fixture
def other(app: FastAPI, tmp_path: Path) -> Any:
    """Somebody else's connection to the file."""
    connection = sqlite3.connect(tmp_path / "pulsestage.db", isolation_level=None)
    yield connection
    connection.close()


async def test_a_locked_file(room: Room, other: sqlite3.Connection) -> None:
    question = await room.ask()
    before = await room.log()
    other.execute("BEGIN IMMEDIATE")
    person = room.guest()
    for request in (
        person.post("/questions", json={"body": "Why?"}),
        person.post(f"/questions/{question}/upvote"),
        person.delete(f"/questions/{question}"),
    ):
        answer = await request
        problem = assert_problem(answer, 503, "unavailable", "Temporarily unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert "nothing was changed" in problem["detail"]
    assert (await person.get("/questions")).status_code == 200  # readers are not in the way
    assert (await person.get("/health/ready")).status_code == 200
    other.execute("ROLLBACK")
    assert await room.log() == before
    assert (await person.post(f"/questions/{question}/upvote")).json()["upvotes"] == 1
    assert [event.seq for event in await room.log()] == [1, 2]


async def test_votes_that_find_it_locked_are_all_told_and_none_counted(room: Room, other: sqlite3.Connection) -> None:
    question = await room.ask()
    other.execute("BEGIN IMMEDIATE")
    people = [room.guest() for _ in range(20)]
    answers = await asyncio.gather(*(person.post(f"/questions/{question}/upvote") for person in people))
    assert {answer.status_code for answer in answers} == {503}
    other.execute("ROLLBACK")
    again = await asyncio.gather(*(person.post(f"/questions/{question}/upvote") for person in people))
    assert {answer.status_code for answer in again} == {200}
    assert (await room.guest().get(f"/questions/{question}")).json()["upvotes"] == 20


async def test_a_full_disk(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    await room.ask()
    before = await room.log()
    database: Any = room.app.state.hub._engine.store._database
    async with database.write() as connection:
        pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
        await connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    person = room.guest()
    answers = [await person.post("/questions", json={"body": f"{number} {'word ' * 390}"}) for number in range(30)]
    codes = [answer.status_code for answer in answers]
    assert 503 in codes
    full = answers[codes.index(503)]
    problem = assert_problem(full, 503, "unavailable")
    assert "disk is full" in problem["detail"]
    assert {line.levelname for line in caplog.records if "disk is full" in line.getMessage()} == {"ERROR"}
    assert "pulsestage.db" not in full.text
    ready = await person.get("/health/ready")
    assert (ready.status_code, ready.json()) == (200, {"ok": True, "failing": [], "degraded": ["writes"]})
    listed = (await person.get("/questions", params={"sort": "recent"})).json()
    assert len(listed) == 1 + codes.count(201)
    assert len(await room.log()) == len(before) + codes.count(201)
    async with database.write() as connection:
        await connection.execute(text("PRAGMA max_page_count = 1000000"))
    assert (await person.post("/questions", json={"body": "word " * 390})).status_code == 201
    assert (await person.get("/health/ready")).json()["degraded"] == []
    seqs = [event.seq for event in await room.log()]
    assert seqs == list(range(1, len(seqs) + 1))


async def test_a_reader_that_finds_no_database(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    database: Any = room.app.state.hub._engine.store._database
    person = room.guest()
    await person.get("/session")

    def broken(*_: object) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(database.backend, "read", broken)
        answer = await person.get("/questions")
        assert_problem(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        ready = await person.get("/health/ready")
        assert (ready.status_code, ready.json()["failing"]) == (503, ["database"])
    assert (await person.get("/health/ready")).status_code == 200
