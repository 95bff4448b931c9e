"""One vote per person and question, however often and however fast it is sent."""

import asyncio
import json
from collections import Counter

import pytest
from httpx import AsyncClient

from pulsestage.realtime import Position
from tests.http.conftest import Room, assert_problem


async def count(room: Room, question: str) -> int:
    return int((await room.guest().get(f"/questions/{question}")).json()["upvotes"])


async def test_a_vote_counts_and_can_be_taken_back(room: Room, guest: AsyncClient) -> None:
    question = await room.ask()
    given = await guest.post(f"/questions/{question}/upvote")
    assert (given.status_code, given.json()["upvotes"], given.json()["hasUpvoted"]) == (200, 1, True)
    assert (await guest.get(f"/questions/{question}")).json()["hasUpvoted"]
    taken = await guest.delete(f"/questions/{question}/upvote")
    assert (taken.status_code, taken.json()["upvotes"], taken.json()["hasUpvoted"]) == (200, 0, False)
    seqs = [Position.parse(answer.headers["x-stream-position"]).seq for answer in (given, taken)]
    assert seqs == [2, 3]
    told = [json.loads(event.variants["public"]) for event in (await room.log())[1:]]
    assert [(each["questionId"], each["upvotes"]) for each in told] == [(question, 1), (question, 0)]


async def test_a_repeated_vote_is_told_and_not_counted(room: Room, guest: AsyncClient) -> None:
    question = await room.ask()
    await guest.post(f"/questions/{question}/upvote")
    assert_problem(await guest.post(f"/questions/{question}/upvote"), 409, "already_upvoted", "Already upvoted")
    assert await count(room, question) == 1
    await guest.delete(f"/questions/{question}/upvote")
    assert_problem(await guest.delete(f"/questions/{question}/upvote"), 409, "not_upvoted", "Not upvoted")
    assert await count(room, question) == 0


async def test_nobody_votes_for_their_own_question(room: Room, guest: AsyncClient) -> None:
    question = (await guest.post("/questions", json={"body": "Why?"})).json()["id"]
    assert_problem(await guest.post(f"/questions/{question}/upvote"), 409, "own_question", "Own question")
    assert await count(room, question) == 0


@pytest.mark.parametrize("state,code", [("freeze", "question_frozen"), ("answer", "question_answered")])
async def test_frozen_and_answered_questions_take_no_votes(
    room: Room, guest: AsyncClient, moderator: AsyncClient, state: str, code: str
) -> None:
    question = await room.ask()
    await guest.post(f"/questions/{question}/upvote")
    if state == "freeze":
        await moderator.put(f"/questions/{question}/freeze")
    else:
        await moderator.post(f"/questions/{question}/answer", json={"response": "Yes."})
    assert_problem(await room.guest().post(f"/questions/{question}/upvote"), 409, code)
    assert_problem(await guest.delete(f"/questions/{question}/upvote"), 409, code)
    assert await count(room, question) == 1


async def test_of_many_identical_votes_at_once_one_counts(room: Room, guest: AsyncClient) -> None:
    question = await room.ask()
    await guest.get("/session")
    answers = await asyncio.gather(*(guest.post(f"/questions/{question}/upvote") for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 19}
    assert await count(room, question) == 1


async def test_many_peoples_votes_at_once_all_count(room: Room) -> None:
    question = await room.ask()
    answers = await asyncio.gather(*(room.guest().post(f"/questions/{question}/upvote") for _ in range(60)))
    assert {answer.status_code for answer in answers} == {200}
    assert await count(room, question) == 60
    counted = [event for event in await room.log() if event.type == "question:upvoted"]
    assert b'"upvotes":60' in counted[-1].variants["public"]
    for answer in answers:
        seen = Position.parse(answer.headers["x-stream-position"]).seq
        event = next(event for event in counted if event.seq == seen)
        assert f'"upvotes":{answer.json()["upvotes"]}'.encode() in event.variants["public"]


async def test_a_bad_vote_spoils_no_other_in_its_batch(room: Room, moderator: AsyncClient) -> None:
    good, frozen = await room.ask(), await room.ask()
    await moderator.put(f"/questions/{frozen}/freeze")
    targets = [good, frozen, "0192f0c1-7a3e-7c64-9d0b-2f6a1c8e4b5d"] * 10
    answers = await asyncio.gather(*(room.guest().post(f"/questions/{target}/upvote") for target in targets))
    assert [answer.status_code for answer in answers] == [200, 409, 404] * 10
    assert await count(room, good) == 10


async def test_votes_given_and_taken_back_at_once_leave_the_truth(room: Room) -> None:
    question = await room.ask()
    people = [room.guest() for _ in range(10)]
    await asyncio.gather(*(person.post(f"/questions/{question}/upvote") for person in people))
    await asyncio.gather(*(person.delete(f"/questions/{question}/upvote") for person in people[:4]))
    assert await count(room, question) == 6
    standing = [(await person.get(f"/questions/{question}")).json()["hasUpvoted"] for person in people]
    assert standing == [False] * 4 + [True] * 6


async def test_signing_out_is_no_second_vote(room: Room, guest: AsyncClient) -> None:
    question = await room.ask()
    await guest.post(f"/questions/{question}/upvote")
    await guest.delete("/session")
    assert_problem(await guest.post(f"/questions/{question}/upvote"), 409, "already_upvoted")


async def test_a_stranger_who_votes_is_known_again(room: Room) -> None:
    question = await room.ask()
    person = room.guest()
    answer = await person.post(f"/questions/{question}/upvote")
    assert "set-cookie" in answer.headers
    again = await person.post(f"/questions/{question}/upvote")
    assert "set-cookie" not in again.headers
    assert_problem(again, 409, "already_upvoted")
