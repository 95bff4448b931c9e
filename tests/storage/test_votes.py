"""Votes in the database: which exist, and what one change stores, deletes and counts."""

import pytest

from tests.domain.examples import a_question
from tests.storage.conftest import Storage

PAIRS = {("q1", "q1 ann"), ("q1", "q1 ben"), ("q2", "q2 ann")}


@pytest.fixture
async def voted(storage: Storage) -> Storage:
    """Three questions, two of which have votes."""
    async with storage.unit_of_work.write("t1") as tx:
        for name in ("q1", "q2", "q3"):
            await tx.questions.add(a_question(name), [])
        await tx.votes.change(PAIRS, set(), [a_question("q1", upvotes=2), a_question("q2", upvotes=1)])
    return storage


async def rows(storage: Storage) -> set[tuple[str, str]]:
    return {(question, voter) for _tenant, question, voter in (await storage.rows("t1"))["votes"]}


async def counts(storage: Storage) -> list[int]:
    async with storage.unit_of_work.read("t1") as tx:
        return [question.upvotes for question in await tx.questions.every(None)]


async def test_votes_are_stored_and_counted(voted: Storage) -> None:
    assert await rows(voted) == PAIRS
    assert await counts(voted) == [2, 1, 0]


async def test_of_those_asked_for_the_existing_are_found(voted: Storage) -> None:
    async with voted.unit_of_work.read("t1") as tx:
        assert await tx.votes.existing({("q1", "q1 ann"), ("q1", "q1 cat"), ("q2", "q2 ann")}) == {
            ("q1", "q1 ann"),
            ("q2", "q2 ann"),
        }
        assert await tx.votes.existing([]) == set()


async def test_more_can_be_asked_for_than_one_statement_takes(voted: Storage) -> None:
    many = {("q3", f"q3 voter {number}") for number in range(1200)}
    async with voted.unit_of_work.write("t1") as tx:
        await tx.votes.change(many, set(), [a_question("q3", upvotes=1200)])
        assert await tx.votes.existing(many | PAIRS) == many | PAIRS


async def test_one_change_adds_removes_and_counts(voted: Storage) -> None:
    async with voted.unit_of_work.write("t1") as tx:
        await tx.votes.change(
            {("q3", "q3 ann")},
            {("q1", "q1 ann"), ("q2", "q2 ann")},
            [a_question("q1", upvotes=1), a_question("q2", upvotes=0), a_question("q3", upvotes=1)],
        )
    assert await rows(voted) == {("q1", "q1 ben"), ("q3", "q3 ann")}
    assert await counts(voted) == [1, 0, 1]


async def test_a_vote_of_another_person_or_for_another_question_stays(voted: Storage) -> None:
    async with voted.unit_of_work.write("t1") as tx:
        await tx.votes.change(set(), {("q2", "q1 ann"), ("q1", "q1 cat")}, [])
    assert await rows(voted) == PAIRS
    assert await counts(voted) == [2, 1, 0]
