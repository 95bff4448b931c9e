"""Export and deletion of tenants, on both databases."""

import asyncio
import io
import json
from typing import Any

import pytest
from sqlalchemy import select

from pulsestage.domain import question as life
from pulsestage.storage.database import Database
from pulsestage.storage.directory import SqlDirectory
from pulsestage.storage.tables import metadata
from pulsestage.storage.unit_of_work import SqlUnitOfWork
from tests.cli.conftest import Call
from tests.domain.examples import LATER, NOW, a_question
from tests.storage.everything import fill

DELETE = ("tenant", "delete", "acme")


async def use(url: str) -> None:
    """One of everything in `acme`, an answer and a removed question."""
    database = Database(url)
    tenant = await SqlDirectory(database).find("acme")
    assert tenant is not None
    unit_of_work = SqlUnitOfWork(database, lambda: NOW, lambda *_: None)
    await fill(unit_of_work, tenant.id)
    async with unit_of_work.write(tenant.id) as tx:
        question, _ = life.answer(await tx.questions.get("q1"), "In May.", LATER)
        await tx.questions.save(question)
        removed = a_question("q2", body="Removed?")
        await tx.questions.add(removed, ["removed"])
        await tx.questions.save(life.remove(removed, LATER)[0])
    await database.close()


async def rows_in(url: str) -> dict[str, int]:
    """How many rows each table has."""
    database = Database(url)
    async with database.read() as connection:
        counts = {table.name: len((await connection.execute(select(table))).all()) for table in metadata.sorted_tables}
    await database.close()
    return {name: count for name, count in counts.items() if count}


@pytest.fixture
def used(call: Call, database_url: str) -> str:
    """A database with a tenant `acme` that was used."""
    call("tenant", "create", "acme", "--name", "Acme", PULSESTAGE_DATABASE_URL=database_url)
    asyncio.run(use(database_url))
    return database_url


def test_an_export_has_all_that_everybody_may_see_and_nobody_in_it(call: Call, used: str) -> None:
    called = call("tenant", "export", "ACME")
    assert called.err == ""
    lines: list[dict[str, Any]] = [json.loads(line) for line in called.out.splitlines()]
    assert [line["type"] for line in lines] == ["tenant", "team", "tag", "tag", "question"]
    assert (lines[0]["slug"], lines[0]["name"]) == ("acme", "Acme")
    assert (lines[1]["slug"], lines[1]["isActive"]) == ("engineering", True)
    question = lines[4]
    assert (question["body"], question["upvotes"]) == ("When does the new office open?", 1)
    assert (question["responseText"], question["status"]) == ("In May.", "ANSWERED")
    assert question["respondedAt"] == "2023-10-08T11:50:01.000Z"
    assert [tag["name"] for tag in question["tags"]] == ["Pay"]
    for secret in ("author", "ann", "p1", "Removed", "pinnedBy"):
        assert f'"{secret}' not in called.out


def test_a_deleted_tenant_leaves_nothing(call: Call, used: str) -> None:
    called = call(*DELETE, "--yes")
    assert called.code == 0
    assert called.out.startswith("acme is deleted from ")
    assert asyncio.run(rows_in(used)).keys() == {"tenants", "logs"}
    assert [each["slug"] for each in json.loads(call("tenant", "list", "--json").out)] == ["default"]
    again = call(*DELETE, "--yes")
    assert (again.code, again.out) == (1, "")
    assert again.err.startswith("Error: There is no tenant 'acme'")
    assert call("tenant", "create", "acme").code == 0


def test_without_yes_the_slug_must_be_typed(call: Call, used: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = asyncio.run(rows_in(used))
    assert "give --yes" in call(*DELETE).err

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal("default\n"))
    assert "nothing was deleted" in call(*DELETE).err
    assert asyncio.run(rows_in(used)) == before
    monkeypatch.setattr("sys.stdin", Terminal("Acme\n"))
    assert call(*DELETE).code == 0
    assert asyncio.run(rows_in(used)).keys() == {"tenants", "logs"}


def test_a_deletion_that_was_cut_off_is_finished(call: Call, used: str) -> None:
    async def begin() -> None:
        database = Database(used)
        directory = SqlDirectory(database)
        tenant = await directory.find("acme")
        assert tenant is not None
        await directory.begin_deletion(tenant)
        await database.close()

    asyncio.run(begin())
    assert "Finished a deletion that was cut off" in call(*DELETE, "--yes").out
    assert asyncio.run(rows_in(used)).keys() == {"tenants", "logs"}
