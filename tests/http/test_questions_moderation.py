"""Answering, pinning, freezing and tagging: for moderators, and as often as one likes."""

import asyncio

import pytest
from httpx import AsyncClient

from pulsestage.domain.policy import Role
from tests.http.conftest import Room, assert_problem

NOBODY = "0192f0c1-7a3e-7c64-9d0b-2f6a1c8e4b5d"


@pytest.mark.parametrize("address", ["answer", "respond"])
async def test_an_answer(room: Room, moderator: AsyncClient, address: str) -> None:
    question = await room.ask()
    answer = await moderator.post(f"/questions/{question}/{address}", json={"response": " In March. "})
    assert answer.status_code == 200
    assert (answer.json()["responseText"], answer.json()["status"]) == ("In March.", "ANSWERED")
    assert answer.json()["respondedAt"]
    assert "x-stream-position" in answer.headers
    assert await room.types() == ["question:created", "question:answered"]


@pytest.mark.parametrize("response", ["", " ", "x" * 10_001])
async def test_an_answer_has_1_to_10000_characters(room: Room, moderator: AsyncClient, response: str) -> None:
    question = await room.ask()
    answer = await moderator.post(f"/questions/{question}/answer", json={"response": response})
    assert assert_problem(answer, 422, "invalid_input")["fields"].keys() == {"response"}


async def test_a_frozen_question_takes_no_answer_until_it_is_unfrozen(room: Room, moderator: AsyncClient) -> None:
    question = await room.ask()
    await moderator.put(f"/questions/{question}/freeze")
    refused = await moderator.post(f"/questions/{question}/answer", json={"response": "Yes."})
    assert_problem(refused, 409, "question_frozen", "Question is frozen")
    await moderator.delete(f"/questions/{question}/freeze")
    accepted = await moderator.post(f"/questions/{question}/answer", json={"response": "Yes."})
    assert accepted.status_code == 200


@pytest.mark.parametrize(
    "step,event,shown", [("pin", "question:pinned", "isPinned"), ("freeze", "question:frozen", "isFrozen")]
)
async def test_a_step_done_twice_is_done_once(room: Room, step: str, event: str, shown: str) -> None:
    question = await room.ask()
    first, second = await room.member(Role.MODERATOR), await room.member(Role.MODERATOR)
    done, again = [await person.put(f"/questions/{question}/{step}") for person in (first, second)]
    assert done.json() == again.json()
    assert done.json()[shown]
    assert done.headers["x-stream-position"] == again.headers["x-stream-position"]
    assert await room.types() == ["question:created", event]
    for person in (first, second):
        assert not (await person.delete(f"/questions/{question}/{step}")).json()[shown]
    assert await room.types() == ["question:created", event, event]


async def test_moderators_at_once_make_one_event(room: Room, moderator: AsyncClient) -> None:
    question = await room.ask()
    answers = await asyncio.gather(*(moderator.put(f"/questions/{question}/pin") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert (await room.types()).count("question:pinned") == 1


async def test_tags_are_given_and_taken_idempotently(room: Room, moderator: AsyncClient) -> None:
    question = await room.ask()
    tag = (await moderator.post("/tags", json={"name": "Pay", "color": "#ff0000"})).json()["id"]
    given = [
        await moderator.put(f"/questions/{question}/tags/{tag}"),
        await moderator.post(f"/questions/{question}/tags", json={"tagId": tag}),
    ]
    for answer in given:
        assert answer.status_code == 200
        assert answer.json()["tags"] == [{"id": tag, "name": "Pay", "color": "#FF0000"}]
    taken = [await moderator.delete(f"/questions/{question}/tags/{tag}") for _ in range(2)]
    assert [(answer.status_code, answer.json()["tags"]) for answer in taken] == [(200, []), (200, [])]
    assert await room.types() == ["question:created", "tags:changed", "question:tagged", "question:untagged"]


STEPS = [
    ("POST", "/questions/{question}/answer", {"response": "Yes."}),
    ("POST", "/questions/{question}/respond", {"response": "Yes."}),
    ("PUT", "/questions/{question}/pin", None),
    ("DELETE", "/questions/{question}/pin", None),
    ("PUT", "/questions/{question}/freeze", None),
    ("DELETE", "/questions/{question}/freeze", None),
    ("PUT", "/questions/{question}/tags/{tag}", None),
    ("DELETE", "/questions/{question}/tags/{tag}", None),
    ("POST", "/questions/{question}/tags", {"tagId": "{tag}"}),
]


@pytest.mark.parametrize("method,address,body", STEPS)
async def test_guests_moderate_nothing(
    room: Room, guest: AsyncClient, moderator: AsyncClient, method: str, address: str, body: dict[str, str] | None
) -> None:
    question = await room.ask()
    tag = (await moderator.post("/tags", json={"name": "Pay"})).json()["id"]
    before = await room.types()
    body = {name: value.format(tag=tag) for name, value in body.items()} if body else None
    answer = await guest.request(method, address.format(question=question, tag=tag), json=body)
    problem = assert_problem(answer, 403, "not_allowed", "Not allowed")
    assert "moderator" in problem["detail"]
    assert await room.types() == before


@pytest.mark.parametrize("method,address,body", STEPS)
async def test_what_is_not_there_is_not_found(
    room: Room, moderator: AsyncClient, method: str, address: str, body: dict[str, str] | None
) -> None:
    question = await room.ask()
    tag = (await moderator.post("/tags", json={"name": "Pay"})).json()["id"]
    before = await room.types()
    missing = [(NOBODY, tag, "question_not_found")]
    if "{tag}" in address + str(body):
        missing.append((question, NOBODY, "tag_not_found"))
    for question_id, tag_id, code in missing:
        filled = {name: value.format(tag=tag_id) for name, value in body.items()} if body else None
        answer = await moderator.request(method, address.format(question=question_id, tag=tag_id), json=filled)
        assert_problem(answer, 404, code)
    assert await room.types() == before
