"""No repository method finds or changes what is another tenant's, and no statement forgets the tenant."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from pulsestage.domain import question as life
from pulsestage.domain.errors import NotFound
from pulsestage.domain.member import Member
from pulsestage.domain.policy import Role
from pulsestage.domain.team import Team
from pulsestage.domain.tenant import Tenant
from pulsestage.services import ports
from pulsestage.services.ports import QuestionQuery, Transaction
from pulsestage.storage.tables import metadata
from tests.domain.examples import LATER, NOW, a_question, a_tag
from tests.storage.conftest import Storage
from tests.storage.everything import QUESTION, fill

Call = Callable[[Transaction], Awaitable[Any]]

READS: dict[str, Call] = {
    "Questions.get": lambda tx: tx.questions.get("q1"),
    "Questions.get_many": lambda tx: tx.questions.get_many(["q1"]),
    "Questions.page": lambda tx: tx.questions.page(QuestionQuery()),
    "Questions.page by team": lambda tx: tx.questions.page(QuestionQuery(team_id="m1")),
    "Questions.page by tag": lambda tx: tx.questions.page(QuestionQuery(tag_id="g1", sort="recent")),
    "Questions.search": lambda tx: _first(tx.questions.search(QuestionQuery(), ["office"])),
    "Questions.every": lambda tx: tx.questions.every(None),
    "Questions.every of a team": lambda tx: tx.questions.every("m1"),
    "Questions.tagged_with": lambda tx: tx.questions.tagged_with("g1"),
    "Questions.sharing_terms": lambda tx: tx.questions.sharing_terms(["office"], 10),
    "Votes.existing": lambda tx: tx.votes.existing([("q1", "ann")]),
    "Tags.get": lambda tx: tx.tags.get("g1"),
    "Tags.every": lambda tx: tx.tags.every(),
    "Teams.get": lambda tx: tx.teams.get("m1"),
    "Teams.find": lambda tx: tx.teams.find("m1"),
    "Teams.find by slug": lambda tx: tx.teams.find("engineering"),
    "Teams.every": lambda tx: tx.teams.every(),
    "Members.find": lambda tx: tx.members.find("p1"),
}
WRITES: dict[str, Call] = {
    "Questions.add": lambda tx: tx.questions.add(a_question("q2", team_id="m1"), ["office"]),
    "Questions.save": lambda tx: tx.questions.save(life.remove(QUESTION, LATER)[0]),
    "Questions.add_tag": lambda tx: tx.questions.add_tag("q1", "g2"),
    "Questions.remove_tag": lambda tx: tx.questions.remove_tag("q1", "g1"),
    "Votes.change": lambda tx: tx.votes.change({("q1", "ben")}, {("q1", "ann")}, [a_question(upvotes=9)]),
    "Tags.add": lambda tx: tx.tags.add(a_tag("g3", "Pay")),
    "Tags.save": lambda tx: tx.tags.save(a_tag("g1", "Taken over")),
    "Tags.delete": lambda tx: tx.tags.delete("g1"),
    "Teams.add": lambda tx: tx.teams.add(Team("m2", "t1", "E", "engineering", None, is_active=True, created_at=NOW)),
    "Teams.save": lambda tx: tx.teams.save(Team("m1", "t1", "E", "taken", None, is_active=False, created_at=NOW)),
    "Members.add": lambda tx: tx.members.add(Member("p2", "t1", Role.OWNER, NOW)),
    "SpentTokens.spend": lambda tx: tx.spent_tokens.spend("token", LATER),
    "Transaction.lock_catalog": lambda tx: tx.lock_catalog(),
}
PORTS = (ports.Questions, ports.Votes, ports.Tags, ports.Teams, ports.Members, ports.SpentTokens)


async def _first(found: Awaitable[tuple[Any, Any]]) -> Any:
    return (await found)[0]


def test_every_method_of_every_repository_is_tried() -> None:
    methods = {
        f"{port.__name__}.{name}" for port in PORTS for name, each in vars(port).items() if not name.startswith("_")
    }
    tried = {name.split(" ")[0] for name in (*READS, *WRITES)} - {"Transaction.lock_catalog"}
    assert tried == methods


async def test_a_stranger_finds_nothing(storage: Storage) -> None:
    await fill(storage.unit_of_work)
    for name, call in READS.items():
        async with storage.unit_of_work.read("t1") as tx:
            assert await call(tx), name
        for transaction in (storage.unit_of_work.read, storage.unit_of_work.write):
            async with transaction("t2") as tx:
                try:
                    found = await call(tx)
                except NotFound:
                    continue
                assert not found, name


async def test_a_stranger_changes_nothing(storage: Storage) -> None:
    await fill(storage.unit_of_work)
    before, seen = await storage.rows("t1"), await _see(storage)
    for name, call in WRITES.items():
        async with storage.unit_of_work.write("t2") as tx:
            await call(tx)
        assert await storage.rows("t1") == before, name
        assert await _see(storage) == seen, name


async def _see(storage: Storage) -> list[object]:
    async with storage.unit_of_work.read("t1") as tx:
        return [await tx.questions.get("q1"), await tx.tags.every(), await tx.teams.every()]


async def test_a_token_that_one_tenant_spent_is_not_spent_for_another(storage: Storage) -> None:
    await fill(storage.unit_of_work)
    async with storage.unit_of_work.write("t2") as tx:
        assert await tx.spent_tokens.spend("token", LATER)


async def test_a_stranger_reads_no_event(storage: Storage) -> None:
    await fill(storage.unit_of_work)
    assert len(await storage.store.read("t1", 0, 10)) == 1
    assert not await storage.store.read("t2", 0, 10)


TABLES = re.compile(rf"\b(?:FROM|JOIN|INTO|UPDATE)\s+\"?({'|'.join(metadata.tables)})\"?\b", re.IGNORECASE)


async def test_every_statement_names_the_tenant(storage: Storage) -> None:
    """Read off what is really sent, whoever built it."""
    statements = storage.statements()
    await fill(storage.unit_of_work)
    for call in READS.values():
        async with storage.unit_of_work.write("t1") as tx:
            await call(tx)
    for name, call in WRITES.items():
        async with storage.unit_of_work.write("t2" if name.endswith(".add") else "t1") as tx:
            if name not in {"Questions.add_tag", "SpentTokens.spend"}:  # done by _fill, and refused a second time
                await call(tx)
    await storage.store.read("t1", 0, 10)
    await storage.store.bounds(["t1"])
    met = set()
    for statement in statements:
        tables = {table.lower() for table in TABLES.findall(statement)}
        met |= tables
        for table in tables - {"tenants"}:
            condition = rf"\b{table}\.tenant_id\s*(=|IN)|INTO {table} \([^)]*\btenant_id\b"
            if table != "tags" or "JOIN tags" not in statement:  # whose ids come from the tenant's own links
                assert re.search(condition, statement), statement
    assert met >= metadata.tables.keys() - {"tenants", "instances", "leases"}


async def test_a_tenant_that_is_deleted_takes_everything_along_and_nothing_of_others(storage: Storage) -> None:
    await fill(storage.unit_of_work)
    async with storage.unit_of_work.write("t2") as tx:
        await tx.tags.add(a_tag("other", "Pay"))
    before = await storage.rows("t2")
    tenants = metadata.tables["tenants"]
    async with storage.database.write() as connection:
        await connection.execute(tenants.delete().where(tenants.c.id == "t1"))
    assert not any((await storage.rows("t1")).values())
    assert await storage.rows("t2") == before


async def test_the_directory_finds_tenants_by_slug_alone(storage: Storage) -> None:
    found = await storage.directory.find("room-t1")
    assert found == Tenant("t1", "room-t1", "A room", NOW)
    assert await storage.directory.find("t1") is None
