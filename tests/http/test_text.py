"""The rules for text hold wherever people type, and what they find."""

import pytest
from httpx import AsyncClient

from pulsestage.storage import search
from tests.domain.examples import TEXTS
from tests.http.conftest import Room, assert_problem


async def test_texts_that_nobody_can_see_are_refused_everywhere(
    room: Room, guest: AsyncClient, moderator: AsyncClient, admin: AsyncClient
) -> None:
    question, tag = await room.ask(), (await moderator.post("/tags", json={"name": "Pay"})).json()["id"]
    before = await room.log()
    for unseen in TEXTS["invisible"]:
        for answer, field in [
            (await guest.post("/questions", json={"body": unseen}), "body"),
            (await moderator.post(f"/questions/{question}/answer", json={"response": unseen}), "response"),
            (await moderator.post("/tags", json={"name": unseen}), "name"),
            (await moderator.patch(f"/tags/{tag}", json={"name": unseen}), "name"),
            (await admin.post("/teams", json={"name": unseen, "slug": "unseen"}), "name"),
        ]:
            problem = assert_problem(answer, 422, "invalid_input")
            assert "has 0 characters" in problem["fields"][field][0]
    assert await room.log() == before


async def test_names_that_look_the_same_are_the_same(moderator: AsyncClient) -> None:
    assert (await moderator.post("/tags", json={"name": "Łódź"})).status_code == 201
    for name in ("lodz", "ŁO\u0301DZ\u0301", "Ł\u200bódź", "\u202eŁódź\u202c", "Łódź\ufe0f"):
        assert_problem(await moderator.post("/tags", json={"name": name}), 409, "name_taken")


async def test_emoji_with_joiners_stay_as_they_are(room: Room, guest: AsyncClient) -> None:
    body = "👩‍👩‍👧🏴󠁧󠁢󠁥󠁮󠁧󠁿❤️"
    asked = await guest.post("/questions", json={"body": body})
    assert asked.json()["body"] == body
    assert_problem(await guest.post("/questions", json={"body": body[:-2]}), 422, "invalid_input")


async def test_a_search_finds_words_of_every_script_and_nothing_without_a_word(room: Room, guest: AsyncClient) -> None:
    book, meeting, party = [await room.ask(body) for body in ("मेरी किताब", "कल तीन बजे बैठक है", "Party 🎉?")]

    async def ids(words: str) -> list[str]:
        return [question["id"] for question in (await guest.get("/questions", params={"search": words})).json()]

    assert await ids("किताब") == [book]
    assert await ids("बजे") == [meeting]
    assert await ids("🎉") == [party]
    for words in TEXTS["searchesForNothing"]:
        assert await ids(words) == []
    assert await ids("") == [book, meeting, party]


async def test_a_page_of_a_search_may_be_short_and_its_link_leads_on(
    room: Room, guest: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [await room.ask(f"Is it {'even' if number % 2 else 'odd'}?") for number in range(6)]
    monkeypatch.setattr(search, "RARE", 1)
    monkeypatch.setattr(search, "LOOK_UPS", 1)
    monkeypatch.setattr(search, "MAX_LOOK_UPS", 3)
    pages: list[list[str]] = []
    answer = await guest.get("/questions", params={"search": "even"})
    while "link" in answer.headers and len(pages) < 10:
        pages.append([question["id"] for question in answer.json()])
        answer = await guest.get(answer.url.join(answer.links["next"]["url"]))
    assert pages == [[asked[1]], [asked[3], asked[5]]]
    assert answer.json() == []
