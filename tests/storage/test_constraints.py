"""What the database itself refuses, and what it is called then."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from pulsestage.domain.errors import NameTaken, SlugTaken, TagNotFound, TeamNotFound
from pulsestage.domain.policy import Role
from pulsestage.domain.tag import Tag
from pulsestage.domain.team import Team
from pulsestage.domain.tenant import Tenant, TenantSettings
from tests.domain.examples import LATER, NOW, a_question, a_tag
from tests.storage.conftest import Storage


def a_team(team_id: str, slug: str) -> Team:
    return Team(team_id, "t1", "Engineering", slug, None, is_active=True, created_at=NOW)


async def add_tag(storage: Storage, tag: Tag, tenant: str = "t1") -> None:
    async with storage.unit_of_work.write(tenant) as tx:
        await tx.tags.add(tag)


async def save_tag(storage: Storage, tag: Tag) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        await tx.tags.save(tag)


async def add_team(storage: Storage, team: Team, tenant: str = "t1") -> None:
    async with storage.unit_of_work.write(tenant) as tx:
        await tx.teams.add(team)


async def save_team(storage: Storage, team: Team) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        await tx.teams.save(team)


async def test_a_tags_name_is_unique_in_its_tenant_whatever_its_case(storage: Storage) -> None:
    await add_tag(storage, a_tag("g1", "Pay"))
    await add_tag(storage, a_tag("g2", "Food"))
    with pytest.raises(NameTaken):
        await add_tag(storage, a_tag("g3", "PÁY"))
    with pytest.raises(NameTaken):
        await save_tag(storage, a_tag("g2", "pay"))
    await save_tag(storage, a_tag("g1", "PAY"))
    await add_tag(storage, a_tag("g4", "Pay"), "t2")
    async with storage.unit_of_work.read("t1") as tx:
        assert [tag.name for tag in await tx.tags.every()] == ["Food", "PAY"]
        with pytest.raises(TagNotFound):
            await tx.tags.get("g4")


async def test_a_teams_slug_is_unique_in_its_tenant(storage: Storage) -> None:
    await add_team(storage, a_team("m1", "engineering"))
    await add_team(storage, a_team("m2", "sales"))
    with pytest.raises(SlugTaken):
        await add_team(storage, a_team("m3", "sales"))
    with pytest.raises(SlugTaken):
        await save_team(storage, a_team("m1", "sales"))
    await add_team(storage, a_team("m4", "sales"), "t2")
    async with storage.unit_of_work.read("t1") as tx:
        assert await tx.teams.find("sales") == await tx.teams.get("m2")
        with pytest.raises(TeamNotFound):
            await tx.teams.get("m4")


async def test_a_tenants_slug_is_unique(storage: Storage) -> None:
    with pytest.raises(SlugTaken):
        await storage.directory.add(Tenant("t3", "room-t1", "Another", NOW))
    assert [tenant.id for tenant in await storage.directory.every()] == ["t1", "t2"]


async def test_a_tenants_settings_are_kept(storage: Storage) -> None:
    tenant = Tenant("t3", "strict", "Strict", NOW, TenantSettings(10, 100, Role.VIEWER))
    await storage.directory.add(tenant)
    assert await storage.directory.find("strict") == tenant


async def test_a_second_vote_of_one_person_can_not_be_stored(storage: Storage) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        await tx.questions.add(a_question(), [])
        await tx.votes.change({("q1", "ann")}, set(), [a_question(upvotes=1)])

    async def again() -> None:
        async with storage.unit_of_work.write("t1") as tx:
            await tx.votes.change({("q1", "ann")}, set(), [a_question(upvotes=2)])

    with pytest.raises(IntegrityError):
        await again()
    async with storage.unit_of_work.read("t1") as tx:
        assert (await tx.questions.get("q1")).upvotes == 1
        assert await tx.votes.existing([("q1", "ann"), ("q1", "ben")]) == {("q1", "ann")}


async def test_of_many_who_spend_one_token_at_once_one_does(storage: Storage) -> None:
    async def spend() -> bool:
        async with storage.unit_of_work.write("t1") as tx:
            if await tx.spent_tokens.spend("token", LATER):
                return True
            raise KeyError  # as the services do: a transaction that was refused something is not gone on with

    outcomes = await asyncio.gather(*(spend() for _ in range(10)), return_exceptions=True)
    assert outcomes.count(True) == 1


async def test_an_error_does_not_tell_what_was_asked_and_by_whom(storage: Storage) -> None:
    """It is logged, and the log never has a body or an identity."""

    async def add_twice() -> None:
        async with storage.unit_of_work.write("t1") as tx:
            for _ in range(2):
                await tx.questions.add(replace(a_question(), body="My pay?", author_key="the-author"), [])

    with pytest.raises(IntegrityError) as raised:
        await add_twice()
    assert "My pay?" not in str(raised.value)
    assert "the-author" not in str(raised.value)
