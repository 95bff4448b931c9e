"""What older rules for text have made is made anew, and nothing is lost on the way."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from pulsestage.domain.errors import NameTaken
from pulsestage.domain.words import RULES, query_terms, search_terms
from pulsestage.services.ports import QuestionQuery
from pulsestage.storage.tables import question_terms, questions, tags
from pulsestage.storage.text_index import BATCH, TextIndex
from tests.domain.examples import NOW, a_question, a_tag
from tests.storage.conftest import Storage


async def write_as_before(storage: Storage, *names: str) -> None:
    """Make these questions look as versions wrote them that knew nothing of rules."""
    async with storage.database.write() as connection:
        await connection.execute(delete(question_terms).where(question_terms.c.question_id.in_(names)))
        old = {"tenant_id": "t1", "term": "łodz"}
        await connection.execute(insert(question_terms), [{**old, "question_id": name} for name in names])
        await connection.execute(update(questions).where(questions.c.id.in_(names)).values(text_rules=0))


async def find(storage: Storage, words: str) -> list[str]:
    async with storage.unit_of_work.read("t1") as tx:
        found, _ = await tx.questions.search(QuestionQuery(sort="recent", limit=100), query_terms(words))
    return [question.id for question in found]


async def rules(storage: Storage) -> dict[str, int]:
    async with storage.database.read() as connection:
        rows = await connection.execute(select(questions.c.id, questions.c.text_rules))
        return {row.id: row.text_rules for row in rows}


async def test_questions_that_older_rules_indexed_are_found_by_the_newer(storage: Storage) -> None:
    names = [f"q{number:02}" for number in range(2 * BATCH + 1)]
    async with storage.unit_of_work.write("t1") as tx:
        for name in [*names, "removed"]:
            removed_at = NOW if name == "removed" else None
            await tx.questions.add(a_question(name, body="Łódź?", removed_at=removed_at), search_terms("Łódź?"))
    assert set((await rules(storage)).values()) == {RULES}
    await write_as_before(storage, *names, "removed")
    assert await find(storage, "lodz") == []
    await TextIndex(storage.database).renew()
    assert sorted(await find(storage, "lodz")) == names
    assert await find(storage, "łodz") == await find(storage, "lodz")
    assert await rules(storage) == {**dict.fromkeys(names, RULES), "removed": 0}


async def test_after_each_batch_others_can_have_the_lock(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        for number in range(2 * BATCH):
            await tx.questions.add(a_question(f"q{number}"), [])
    async with storage.database.write() as connection:
        await connection.execute(update(questions).values(text_rules=0))
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)  # statements wait for others' turn, which a pause that is none would never bring

    monkeypatch.setattr(asyncio, "sleep", pause)
    await TextIndex(storage.database).renew()
    assert len([seconds for seconds in pauses if seconds > 0]) == 2


async def test_nothing_is_done_twice_nor_what_newer_rules_made(storage: Storage) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        await tx.questions.add(a_question("q1"), ["by", "newer", "rules"])
        await tx.questions.add(a_question("q2", body="?!"), [])
        await tx.tags.add(a_tag("g1", "Pay"))
    async with storage.database.write() as connection:
        await connection.execute(update(questions).where(questions.c.id == "q1").values(text_rules=RULES + 1))
    before = await storage.rows("t1")
    statements = storage.statements()
    await TextIndex(storage.database).renew()
    assert not [each for each in statements if each.startswith(("INSERT", "DELETE"))]
    assert await storage.rows("t1") == before


async def tag_as_before(storage: Storage, tag_id: str, name: str, folded: str) -> None:
    async with storage.database.write() as connection:
        values: dict[str, Any] = {"name": name, "folded_name": folded, "folded_from": None}
        await connection.execute(
            insert(tags), {"id": tag_id, "tenant_id": "t1", "color": "#3B82F6", "created_at": NOW, **values}
        )


async def folded_names(storage: Storage) -> dict[str, str]:
    async with storage.database.read() as connection:
        rows = await connection.execute(select(tags.c.id, tags.c.folded_name))
        return {row.id: row.folded_name for row in rows}


async def test_tags_that_older_rules_told_apart_are_kept_and_the_oldest_has_the_name(storage: Storage) -> None:
    await tag_as_before(storage, "g1", "Łódź", "łodz")
    await tag_as_before(storage, "g2", "Lodz", "lodz")
    await tag_as_before(storage, "g3", "Gdańsk", "gdansk")
    await TextIndex(storage.database).renew()
    assert await folded_names(storage) == {"g1": "lodz", "g2": "lodz\ng2", "g3": "gdansk"}
    async with storage.unit_of_work.read("t1") as tx:
        assert [tag.name for tag in await tx.tags.every()] == ["Gdańsk", "Lodz", "Łódź"]
    with pytest.raises(NameTaken):
        await add_tag(storage, "g4", "LODZ")
    await save_tag(storage, "g2", "Lodz")  # with another colour, say
    with pytest.raises(NameTaken):
        await save_tag(storage, "g2", "LODZ")
    await save_tag(storage, "g2", "Lublin")
    assert (await folded_names(storage))["g2"] == "lublin"


async def test_a_tag_that_an_older_version_renames_is_folded_anew(storage: Storage) -> None:
    await add_tag(storage, "g1", "Pay")
    await add_tag(storage, "g2", "Food")
    async with storage.database.write() as connection:
        for tag_id, name, folded in (("g1", "Łódź", "łodz"), ("g2", "Pay", "pay")):
            its = tags.c.id == tag_id
            await connection.execute(update(tags).where(its).values(name=name, folded_name=folded))
    await TextIndex(storage.database).renew()
    assert await folded_names(storage) == {"g1": "lodz", "g2": "pay"}


async def add_tag(storage: Storage, tag_id: str, name: str) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        await tx.tags.add(a_tag(tag_id, name))


async def save_tag(storage: Storage, tag_id: str, name: str) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        await tx.tags.save(a_tag(tag_id, name))
