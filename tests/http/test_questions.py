"""Asking, listing, finding and removing questions."""

import asyncio
import re
import uuid
from typing import Any

import pytest
from httpx import AsyncClient, Response

from pulsestage.domain.policy import Role
from pulsestage.realtime import Position
from tests.http.conftest import Room, assert_problem

QUESTION = {
    "id", "tenantId", "teamId", "body", "upvotes", "status", "responseText", "respondedAt", "createdAt", "updatedAt",
    "isPinned", "pinnedBy", "pinnedAt", "isFrozen", "frozenBy", "frozenAt", "tags", "hasUpvoted", "isMine",
}  # fmt: skip
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOBODY = str(uuid.UUID(int=0))


def position(answer: Response) -> Position:
    return Position.parse(answer.headers["x-stream-position"])


async def test_a_question_is_asked(room: Room, guest: AsyncClient) -> None:
    answer = await guest.post("/questions", json={"body": "  When does the new office open?\r\n"})
    assert answer.status_code == 201
    question = answer.json()
    assert question.keys() == QUESTION
    assert question["body"] == "When does the new office open?"
    assert question["tenantId"] == room.tenant.id
    assert uuid.UUID(question["id"]).version == 7
    assert (question["status"], question["upvotes"], question["tags"]) == ("OPEN", 0, [])
    assert (question["isMine"], question["hasUpvoted"]) == (True, False)
    assert ISO.fullmatch(question["createdAt"])
    assert question["createdAt"] == question["updatedAt"]
    assert answer.headers["content-type"] == "application/json"
    assert position(answer).seq == 1
    assert await room.types() == ["question:created"]


@pytest.mark.parametrize("body", ["", "ab", " a ", "x" * 2001, "😀" * 2001])
async def test_a_question_has_3_to_2000_characters(guest: AsyncClient, body: str) -> None:
    problem = assert_problem(await guest.post("/questions", json={"body": body}), 422, "invalid_input", "Invalid input")
    assert problem["fields"].keys() == {"body"}


@pytest.mark.parametrize("body", ["abc", "x" * 2000, "😀" * 2000])
async def test_the_shortest_and_the_longest_question(guest: AsyncClient, body: str) -> None:
    answer = await guest.post("/questions", json={"body": body})
    assert answer.status_code == 201
    assert (await guest.get(f"/questions/{answer.json()['id']}")).json()["body"] == body


async def test_a_team_must_exist_and_be_active(room: Room, guest: AsyncClient, admin: AsyncClient) -> None:
    team = (await admin.post("/teams", json={"name": "Sales", "slug": "sales"})).json()
    asked = await guest.post("/questions", json={"body": "Why?", "teamId": team["id"]})
    assert asked.json()["teamId"] == team["id"]
    await admin.delete(f"/teams/{team['id']}")
    for team_id in (team["id"], NOBODY):
        answer = await guest.post("/questions", json={"body": "Why?", "teamId": team_id})
        assert assert_problem(answer, 422, "invalid_input")["fields"].keys() == {"teamId"}
    assert (await room.types()).count("question:created") == 1


async def test_only_its_asker_sees_that_a_question_is_theirs(room: Room, guest: AsyncClient) -> None:
    question_id = (await guest.post("/questions", json={"body": "Why?"})).json()["id"]
    assert (await guest.get(f"/questions/{question_id}")).json()["isMine"]
    assert (await guest.get("/questions")).json()[0]["isMine"]
    assert not (await room.guest().get(f"/questions/{question_id}")).json()["isMine"]


async def test_an_unknown_question_is_not_found(guest: AsyncClient, moderator: AsyncClient) -> None:
    for question_id in (NOBODY, str(uuid.uuid4())):
        assert_problem(await guest.get(f"/questions/{question_id}"), 404, "question_not_found", "Question not found")
        assert_problem(await moderator.delete(f"/questions/{question_id}"), 404, "question_not_found")
    assert_problem(await guest.get("/questions/none"), 404, "not_found")


# ---- Lists ---------------------------------------------------------------------------------------


async def test_a_list_carries_the_position_a_stream_goes_on_from(room: Room, guest: AsyncClient) -> None:
    assert position(await guest.get("/questions")).seq == 0
    await room.ask()
    assert position(await guest.get("/questions")).seq == 1
    assert str(position(await guest.get("/questions"))).startswith(str(position(await guest.get("/tags")).epoch))


async def test_filters_and_orders(room: Room, guest: AsyncClient, moderator: AsyncClient, admin: AsyncClient) -> None:
    team = (await admin.post("/teams", json={"name": "Sales", "slug": "sales"})).json()["id"]
    tag = (await moderator.post("/tags", json={"name": "Pay"})).json()["id"]
    old, popular, answered = await room.ask("Old one"), await room.ask("Popular one"), await room.ask("Done one")
    new = await room.ask("New two", teamId=team)
    await guest.post(f"/questions/{popular}/upvote")
    await moderator.post(f"/questions/{answered}/answer", json={"response": "Yes."})
    await moderator.put(f"/questions/{old}/pin")
    await moderator.put(f"/questions/{old}/tags/{tag}")

    async def ids(**query: Any) -> list[str]:
        return [question["id"] for question in (await guest.get("/questions", params=query)).json()]

    assert await ids() == [old, popular, answered, new]
    assert await ids(sort="recent") == [new, answered, popular, old]
    assert await ids(status="answered") == [answered]
    assert await ids(status="open") == [old, popular, new]
    assert await ids(teamId=team) == [new]
    assert await ids(tagId=tag) == [old]
    assert await ids(search="ON") == [old, popular, answered]
    assert await ids(search="po on") == [popular]
    assert await ids(search="nothing") == []
    assert await ids(search="") == await ids()
    assert await ids(search="?!") == await ids(search="🎉") == []
    assert await ids(teamId=NOBODY) == await ids(tagId=NOBODY) == []


@pytest.mark.parametrize(
    "query",
    [
        {"status": "closed"}, {"sort": "best"}, {"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"limit": "9" * 30},
        {"teamId": "sales"}, {"tagId": "x" * 500}, {"cursor": "x"}, {"cursor": f"0.1.{'x' * 36}"},
        {"cursor": f"0.01.{NOBODY}"}, {"cursor": f"2.1.{NOBODY}"}, {"cursor": f"0.{2**31}.{NOBODY}"},
        {"cursor": f"0.٣.{NOBODY}"}, {"cursor": "0.1." + "\x00" * 36}, {"search": "x" * 4001}, {"cursor": "9" * 200},
        {"cursor": f"0.1.{NOBODY}\n"},
    ],
)  # fmt: skip
async def test_a_wrong_parameter_is_named(guest: AsyncClient, query: dict[str, str]) -> None:
    problem = assert_problem(await guest.get("/questions", params=query), 422, "invalid_input")
    assert problem["fields"].keys() == query.keys()


async def test_links_lead_through_all_pages(room: Room, guest: AsyncClient, moderator: AsyncClient) -> None:
    asked = {await room.ask(f"Question number {number}") for number in range(7)}
    await guest.post(f"/questions/{min(asked)}/upvote")
    for pinned in sorted(asked)[2:6]:  # more than a page
        await moderator.put(f"/questions/{pinned}/pin")
    for sort in ("popular", "recent"):
        met: list[str] = []
        answer = await guest.get("/questions", params={"limit": 3, "sort": sort, "search": "question"})
        pages = 1
        while "link" in answer.headers and pages < 10:
            met += [question["id"] for question in answer.json()]
            assert answer.links["next"]["rel"] == "next"
            answer = await guest.get(answer.url.join(answer.links["next"]["url"]))
            pages += 1
        met += [question["id"] for question in answer.json()]
        assert (pages, len(met), set(met)) == (3, 7, asked)


async def test_a_link_repeats_only_parameters_that_there_are(room: Room, guest: AsyncClient) -> None:
    for _ in range(2):
        await room.ask()
    answer = await guest.get("/questions", params={"limit": 1, "sort": "recent", "x": "a" * 10_000})
    assert answer.headers["link"].startswith("<?limit=1&sort=recent&cursor=")
    assert len(answer.headers["link"]) < 200
    # A byte that is no text becomes a letter of three bytes; the link has it as it came.
    answer = await guest.get("/questions?limit=1&search=office+" + "%FF" * 3_000)
    assert len(answer.headers["link"]) < 10_000
    following = await guest.get(answer.url.join(answer.links["next"]["url"]))
    assert [len(answer.json()), len(following.json())] == [1, 1]


async def test_a_query_with_everything_awkward_keeps_its_link(room: Room, guest: AsyncClient) -> None:
    for _ in range(2):
        await room.ask("Größe & Maß = 50%")
    answer = await guest.get("/questions", params={"limit": 1, "search": "größe & maß = 50%"})
    following = await guest.get(answer.url.join(answer.links["next"]["url"]))
    assert [len(answer.json()), len(following.json())] == [1, 1]
    assert answer.json() != following.json()


# ---- Finding similar ones ------------------------------------------------------------------------

AWKWARD = [
    "(", "%", "'", '"', "\\", "'; DROP TABLE questions; --", "*", "_", "NEAR(", "-", "a\x00b", "😀", "👩‍👩‍👧", "日本",
    "\u2028", "\u202e", "\uffff", "\U0010ffff", "x" * 4000, " ".join(f"word{number}" for number in range(400)),
]  # fmt: skip


@pytest.mark.parametrize("text", AWKWARD, ids=ascii)
async def test_any_text_is_safe_to_search_for(room: Room, guest: AsyncClient, text: str) -> None:
    await room.ask(f"About {text[:100]} what?".replace("\x00", ""))
    for answer in (
        await guest.get("/questions/search", params={"q": text}),
        await guest.get("/questions", params={"search": text}),
    ):
        assert answer.status_code == 200, answer.text
        assert isinstance(answer.json(), list)
    assert len((await guest.get("/questions")).json()) == 1


async def test_similar_open_questions_the_best_first(room: Room, guest: AsyncClient, moderator: AsyncClient) -> None:
    exact = await room.ask("When does the new office open?")
    near = await room.ask("When will the office in Berlin open?")
    await room.ask("Who pays for lunch?")
    done = await room.ask("When does the new office open at last?")
    await moderator.post(f"/questions/{done}/answer", json={"response": "Soon."})
    found = (await guest.get("/questions/search", params={"q": "when does the new office open"})).json()
    assert [question["id"] for question in found] == [exact, near]


async def test_at_most_ten_similar_questions(room: Room, guest: AsyncClient) -> None:
    for number in range(12):
        await room.ask(f"When does office {number} open?")
    assert len((await guest.get("/questions/search", params={"q": "office open when does"})).json()) == 10
    assert (await guest.get("/questions/search")).json() == []


# ---- Removing ------------------------------------------------------------------------------------


async def test_its_author_withdraws_a_question_while_it_is_unanswered(
    room: Room, guest: AsyncClient, moderator: AsyncClient
) -> None:
    first, second = [(await guest.post("/questions", json={"body": "Why?"})).json()["id"] for _ in range(2)]
    answer = await guest.delete(f"/questions/{first}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert position(answer).seq == 3
    assert_problem(await guest.get(f"/questions/{first}"), 404, "question_not_found")
    assert_problem(await guest.delete(f"/questions/{first}"), 404, "question_not_found")
    await moderator.post(f"/questions/{second}/answer", json={"response": "Because."})
    assert_problem(await guest.delete(f"/questions/{second}"), 403, "not_allowed")
    assert (await moderator.delete(f"/questions/{second}")).status_code == 204
    assert (await room.types()).count("question:removed") == 2


async def test_nobody_else_removes_it_but_a_moderator(room: Room, guest: AsyncClient, moderator: AsyncClient) -> None:
    question = await room.ask()
    assert_problem(await guest.delete(f"/questions/{question}"), 403, "not_allowed", "Not allowed")
    answers = await asyncio.gather(*(moderator.delete(f"/questions/{question}") for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404, 404]
    assert await room.types() == ["question:created", "question:removed"]


async def test_a_person_keeps_their_questions_when_they_sign_in_and_out(room: Room) -> None:
    person = room.guest()
    question = (await person.post("/questions", json={"body": "Why?"})).json()["id"]
    await room.member(Role.MODERATOR)
    assert (await person.get(f"/questions/{question}")).json()["isMine"]
    await person.delete("/session")
    assert (await person.get(f"/questions/{question}")).json()["isMine"]
