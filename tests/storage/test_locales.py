"""Every list has the same order, whatever language the database sorts by."""

import random
from typing import get_args

import pytest

from pulsestage.domain.team import Team
from pulsestage.domain.tenant import Tenant
from pulsestage.domain.words import search_terms
from pulsestage.services.ports import QuestionQuery, Sort
from pulsestage.storage.database import Database
from pulsestage.storage.migrate import upgrade
from tests.domain.examples import NOW, ORDERS, TEXTS, a_question, a_tag
from tests.servers.postgres import LOCALES, Postgres
from tests.storage.conftest import Storage


@pytest.mark.parametrize("locale", ["sqlite", "C", *LOCALES])
async def test_lists_have_one_order_in_every_language(
    locale: str, request: pytest.FixtureRequest, postgres: Postgres
) -> None:
    if locale == "sqlite":
        await _try_orders(request.getfixturevalue("sqlite_url"))
    else:
        with postgres.database(locale) as url:
            await _try_orders(url)


async def _try_orders(url: str) -> None:
    database = Database(url)
    try:
        await upgrade(database)
        storage = Storage(database)
        await storage.directory.add(Tenant("t1", "room-t1", "A room", NOW))
        names = random.sample(ORDERS["names"], len(ORDERS["names"]))
        async with storage.unit_of_work.write("t1") as tx:
            await tx.questions.add(a_question("q1"), [])
            for number, name in enumerate(names):
                await tx.tags.add(a_tag(f"g{number}", name))
                await tx.questions.add_tag("q1", f"g{number}")
                await tx.teams.add(Team(f"m{number}", "t1", name, f"s{number}", None, is_active=True, created_at=NOW))
        async with storage.unit_of_work.read("t1") as tx:
            assert [tag.name for tag in await tx.tags.every()] == ORDERS["names"]
            assert [tag.name for tag in (await tx.questions.get("q1")).tags] == ORDERS["names"]
            assert [team.name for team in await tx.teams.every()] == ORDERS["names"]
        await _try_questions(storage)
    finally:
        await database.close()


async def _try_questions(storage: Storage) -> None:
    await storage.directory.add(Tenant("t2", "room-t2", "Another room", NOW))
    bodies = [case["text"] for case in TEXTS["searches"]]
    async with storage.unit_of_work.write("t2") as tx:
        for number, each in enumerate(ORDERS["questions"]):
            facts = {"upvotes": each["upvotes"], "pinned_at": NOW if each["isPinned"] else None}
            question = a_question(each["id"], tenant_id="t2", body=f"aa {bodies[number]}", **facts)
            await tx.questions.add(question, search_terms(question.body))
    async with storage.unit_of_work.read("t2") as tx:
        for sort in get_args(Sort):
            found = await tx.questions.page(QuestionQuery(sort=sort))
            assert [question.id for question in found] == ORDERS[sort]
            searched, _ = await tx.questions.search(QuestionQuery(sort=sort), ["a"])
            assert [question.id for question in searched] == ORDERS[sort]
