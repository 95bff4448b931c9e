"""Votes that arrive together are committed together, and each caller gets their own true answer."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from pulsestage.domain.errors import AlreadyUpvoted, QuestionNotFound, TenantNotFound, Unavailable
from pulsestage.domain.tenant import Tenant
from pulsestage.domain.vote import Ballot
from pulsestage.services.ports import Transaction, UnitOfWork
from pulsestage.services.votes import VoteFolder
from pulsestage.storage.database import Database
from pulsestage.storage.migrate import upgrade
from tests.domain.examples import NOW, a_question
from tests.storage.conftest import Storage


@dataclass
class Watched:
    """A unit of work that counts its writes, and fails the first ones as it was told."""

    inner: UnitOfWork
    failures: Iterator[Exception]
    writes: int = 0
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def write(self, tenant_id: str) -> AsyncIterator[Transaction]:
        self.writes += 1
        await self.hold.wait()
        async with self.inner.write(tenant_id) as tx:
            yield tx
            if failure := next(self.failures, None):
                raise failure

    def read(self, tenant_id: str) -> AbstractAsyncContextManager[Transaction]:
        return self.inner.read(tenant_id)


@pytest.fixture
async def storage(sqlite_url: str) -> AsyncIterator[Storage]:
    """A tenant with two questions."""
    database = Database(sqlite_url)
    await upgrade(database)
    storage = Storage(database)
    await storage.directory.add(Tenant("t1", "acme", "Acme", NOW))
    async with storage.unit_of_work.write("t1") as tx:
        for name in ("q1", "q2"):
            await tx.questions.add(a_question(name), [])
    yield storage
    await database.close()


def ballots(number: int, question: str = "q1") -> list[Ballot]:
    return [Ballot(question, f"{question} voter {n}", up=True) for n in range(number)]


async def cast_all(
    storage: Storage, cast: list[Ballot], *failures: Exception, batch_limit: int = 500
) -> tuple[Watched, list[object]]:
    """Cast them at the same moment; what became of each: a count, or the type of the refusal."""
    watched = Watched(storage.unit_of_work, iter(failures))
    async with asyncio.TaskGroup() as tasks:
        folder = VoteFolder(watched, tasks.create_task, batch_limit=batch_limit, gather_seconds=0)
        waiting = [asyncio.create_task(folder.cast("t1", ballot)) for ballot in cast]
        await asyncio.sleep(0)
        watched.hold.set()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert not folder._queues
    return watched, [
        type(answer) if isinstance(answer, BaseException) else answer.question.upvotes for answer in answers
    ]


async def counts(storage: Storage) -> list[int]:
    async with storage.unit_of_work.read("t1") as tx:
        return [question.upvotes for question in await tx.questions.every(None)]


async def test_what_arrives_together_is_one_transaction_and_one_event_a_question(storage: Storage) -> None:
    watched, answers = await cast_all(storage, ballots(40) + ballots(10, "q2"))
    assert watched.writes == 1
    assert answers == [40] * 40 + [10] * 10
    assert await counts(storage) == [40, 10]
    assert len(await storage.store.read("t1", 0, 100)) == 2


async def test_a_batch_has_a_limit(storage: Storage) -> None:
    watched, answers = await cast_all(storage, ballots(25), batch_limit=10)
    assert watched.writes == 3
    assert answers == [10] * 10 + [20] * 10 + [25] * 5


async def test_without_folding_each_vote_is_a_transaction(storage: Storage) -> None:
    watched, answers = await cast_all(storage, ballots(3), batch_limit=1)
    assert watched.writes == 3
    assert answers == [1, 2, 3]


async def test_each_gets_their_own_answer(storage: Storage) -> None:
    mine = ballots(1)[0]
    _, answers = await cast_all(storage, [mine, mine, Ballot("none", "x", up=True), *ballots(1, "q2")])
    assert answers == [1, AlreadyUpvoted, QuestionNotFound, 1]


async def test_a_batch_that_fails_is_tried_one_by_one(storage: Storage) -> None:
    watched, answers = await cast_all(storage, ballots(4), ValueError("a bad one"), ValueError("the bad one"))
    assert watched.writes == 1 + 4
    assert answers == [ValueError, 1, 2, 3]
    assert await counts(storage) == [3, 0]


@pytest.mark.parametrize("failure", [Unavailable("The database is busy."), TenantNotFound()])
async def test_what_all_have_in_common_is_not_asked_again_for_each(storage: Storage, failure: Exception) -> None:
    watched, answers = await cast_all(storage, ballots(20), failure)
    assert watched.writes == 1
    assert answers == [type(failure)] * 20
    assert await counts(storage) == [0, 0]


async def test_a_caller_who_hangs_up_takes_nobody_along(storage: Storage) -> None:
    watched = Watched(storage.unit_of_work, iter(()))
    async with asyncio.TaskGroup() as tasks:
        folder = VoteFolder(watched, tasks.create_task, gather_seconds=0)
        waiting = [asyncio.create_task(folder.cast("t1", ballot)) for ballot in ballots(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        watched.hold.set()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert await counts(storage) == [3, 0]


async def test_at_the_end_nobody_is_left_waiting(storage: Storage) -> None:
    watched = Watched(storage.unit_of_work, iter(()))
    drains: list[asyncio.Task[None]] = []
    folder = VoteFolder(watched, lambda drain: drains.append(asyncio.create_task(drain)), batch_limit=2)
    waiting = [asyncio.create_task(folder.cast("t1", ballot)) for ballot in ballots(5)]
    for _ in range(3):
        await asyncio.sleep(0)
    drains[0].cancel()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert not folder._queues
    assert await counts(storage) == [0, 0]


async def test_nobody_is_left_waiting_when_it_ends_amid_single_votes(storage: Storage) -> None:
    watched = Watched(storage.unit_of_work, iter([ValueError("a bad one")]))
    watched.hold.set()
    drains: list[asyncio.Task[None]] = []
    folder = VoteFolder(watched, lambda drain: drains.append(asyncio.create_task(drain)))
    waiting = [asyncio.create_task(folder.cast("t1", ballot)) for ballot in ballots(5)]
    await waiting[0]
    drains[0].cancel()
    answers = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
    assert [type(answer) for answer in answers].count(Unavailable) >= 3
