"""Who voted for what, as pseudonyms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select, update

from pulsestage.storage.questions import chunks
from pulsestage.storage.tables import questions, votes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy.ext.asyncio import AsyncConnection

    from pulsestage.domain.question import Question

_count = (
    update(questions)
    .where(questions.c.tenant_id == bindparam("tenant"), questions.c.id == bindparam("question"))
    .values(upvotes=bindparam("count"))
)
_delete = delete(votes).where(
    votes.c.tenant_id == bindparam("tenant"),
    votes.c.question_id == bindparam("question"),
    votes.c.voter_key == bindparam("voter"),
)


class SqlVotes:
    """The Votes port for one tenant."""

    def __init__(self, connection: AsyncConnection, tenant_id: str) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def existing(self, asked: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of these (question id, voter key) pairs are stored."""
        wanted = set(asked)
        found: set[tuple[str, str]] = set()
        # A pseudonym belongs to one question, so asking for questions and voters apart finds no more than the pairs.
        for chunk in chunks(sorted(voter for _, voter in wanted)):
            asked_for = set(chunk)
            query = select(votes.c.question_id, votes.c.voter_key).where(
                votes.c.tenant_id == self._tenant_id,
                votes.c.question_id.in_({question for question, voter in wanted if voter in asked_for}),
                votes.c.voter_key.in_(chunk),
            )
            found.update((row.question_id, row.voter_key) for row in await self._connection.execute(query))
        return found & wanted

    async def change(
        self, added: Collection[tuple[str, str]], removed: Collection[tuple[str, str]], counted: Iterable[Question]
    ) -> None:
        """Store and delete votes, and set the counts: one statement each, whatever their number."""
        if added:
            rows = [{"tenant_id": self._tenant_id, "question_id": q, "voter_key": v} for q, v in sorted(added)]
            await self._connection.execute(insert(votes), rows)
        if removed:
            gone = [{"tenant": self._tenant_id, "question": q, "voter": v} for q, v in sorted(removed)]
            await self._connection.execute(_delete, gone)
        counts = [{"tenant": self._tenant_id, "question": each.id, "count": each.upvotes} for each in counted]
        if counts:
            await self._connection.execute(_count, counts)
