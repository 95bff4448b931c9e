"""Votes: the hot write. What arrives together is committed together.

At rest a vote is committed at once, so nobody waits for company. When votes come faster than one by one, the next
transaction waits a few milliseconds, and takes all that have gathered, up to a limit: a batch costs hardly more than
one vote did. Each caller gets its own true answer after the commit its vote is in.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pulsestage.domain import vote
from pulsestage.domain.errors import TenantNotFound, Unavailable
from pulsestage.domain.policy import Action, Actor
from pulsestage.services.views import QuestionView, question_view

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence
    from typing import Any

    from pulsestage.domain.question import Question
    from pulsestage.realtime import Position
    from pulsestage.services.context import Context
    from pulsestage.services.ports import UnitOfWork

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of a ballot: the question after the commit, and whether this person's vote stands then."""

    question: Question
    has_upvoted: bool
    position: Position


async def cast(context: Context, actor: Actor, question_id: str, *, up: bool) -> tuple[QuestionView, Position]:
    """Vote, or take the vote back. Raises QuestionNotFound, NotAllowed, TooManyRequests and the conflicts of voting."""
    actor.require(Action.VOTE)
    await context.limits.check("vote", actor.person_id)
    voter_key = context.pseudonyms.of(actor.person_id, question_id)
    counted = await context.votes.cast(actor.tenant_id, vote.Ballot(question_id, voter_key, up))
    # Nobody votes for their own question, so a counted ballot is never by the author.
    moderates = actor.may(Action.MODERATE)
    view = question_view(counted.question, has_upvoted=counted.has_upvoted, is_mine=False, moderates=moderates)
    return view, counted.position


Waiting: TypeAlias = "tuple[vote.Ballot, asyncio.Future[Counted]]"
"""A ballot and its caller."""


class VoteFolder:
    """Gathers ballots per tenant and commits them together.

    `spawn` starts a background task in a task group that outlives requests: a caller who hangs up must not take the
    others' transaction along. `batch_limit` 1 switches folding off: each vote is then a transaction of its own.
    """

    def __init__(
        self,
        unit_of_work: UnitOfWork,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        *,
        batch_limit: int = 500,
        gather_seconds: float = 0.008,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._spawn = spawn
        self._batch_limit = batch_limit
        self._gather_seconds = gather_seconds
        self._queues: dict[str, deque[Waiting]] = {}

    async def cast(self, tenant_id: str, ballot: vote.Ballot) -> Counted:
        """Count one ballot. Returns after the commit; raises the reason why it doesn't count."""
        future: asyncio.Future[Counted] = asyncio.get_running_loop().create_future()
        if self._batch_limit == 1:
            await self._commit(tenant_id, [(ballot, future)])
            return future.result()
        queue = self._queues.get(tenant_id)
        if queue is None:
            queue = self._queues[tenant_id] = deque()
            self._spawn(self._drain(tenant_id, queue))
        queue.append((ballot, future))
        return await future

    async def _drain(self, tenant_id: str, queue: deque[Waiting]) -> None:
        """Commit batch after batch until nobody waits, then go."""
        batch: list[Waiting] = []
        try:
            while queue:
                size = min(len(queue), self._batch_limit)
                batch = [queue.popleft() for _ in range(size)]
                await self._commit_or_split(tenant_id, batch)
                if len(queue) < self._batch_limit and (size > 1 or queue):
                    await asyncio.sleep(self._gather_seconds)
        finally:
            del self._queues[tenant_id]
            # Nobody is left unless this was cancelled.
            _refuse((*batch, *queue), Unavailable("The server is stopping."))

    async def _commit_or_split(self, tenant_id: str, batch: Sequence[Waiting]) -> None:
        """Commit a batch; if it fails, its votes one by one, so that a bad one spoils no other."""
        try:
            await self._commit(tenant_id, batch)
        except (Unavailable, TenantNotFound) as error:
            # Each alone would have the same answer: the database is busy, full or away, or the tenant was deleted.
            _refuse(batch, error)
        except Exception as error:
            if len(batch) == 1:
                _refuse(batch, error)
                return
            log.exception("a batch of %d votes failed; trying them one by one", len(batch))
            for single in batch:
                await self._commit_or_split(tenant_id, [single])

    async def _commit(self, tenant_id: str, batch: Sequence[Waiting]) -> None:
        ballots = [ballot for ballot, _ in batch]
        async with self._unit_of_work.write(tenant_id) as tx:
            questions = await tx.questions.get_many({ballot.question_id for ballot in ballots})
            existing = await tx.votes.existing({(ballot.question_id, ballot.voter_key) for ballot in ballots})
            fold = vote.fold(ballots, questions, existing)
            if fold.added or fold.removed:
                await tx.votes.change(fold.added, fold.removed, fold.changed)
                tx.append(fold.events)
        votes = (existing | fold.added) - fold.removed
        for (ballot, future), problem in zip(batch, fold.outcomes, strict=True):
            if future.done():  # its caller has gone
                continue
            if problem is not None:
                future.set_exception(problem)
                continue
            has_upvoted = (ballot.question_id, ballot.voter_key) in votes
            future.set_result(Counted(fold.questions[ballot.question_id], has_upvoted, tx.position))


def _refuse(batch: Iterable[Waiting], error: BaseException) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
