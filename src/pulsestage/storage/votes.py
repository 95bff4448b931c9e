"""Who voted for what, as pseudonyms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select, update

from pulsestage.storage.prepared import Prepared
from pulsestage.storage.scoped import TENANT, Scoped, chunks
from pulsestage.storage.tables import questions, votes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pulsestage.domain.question import Question

# A pseudonym belongs to one question, so that asking for voters alone finds no more than the pairs; the questions are
# there for the index.
_existing = Prepared(
    select(votes.c.question_id, votes.c.voter_key).where(
        votes.c.tenant_id == TENANT,
        votes.c.question_id.in_(bindparam("questions", expanding=True)),
        votes.c.voter_key.in_(bindparam("voters", expanding=True)),
    )
)
_add = Prepared(insert(votes).values(tenant_id=TENANT))
_remove = Prepared(
    delete(votes).where(
        votes.c.tenant_id == TENANT,
        votes.c.question_id == bindparam("question"),
        votes.c.voter_key == bindparam("voter"),
    )
)
_count = Prepared(
    update(questions)
    .where(questions.c.tenant_id == TENANT, questions.c.id == bindparam("question"))
    .values(upvotes=bindparam("count"))
)


class SqlVotes(Scoped):
    """The Votes port for one tenant."""

    async def existing(self, asked: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of these (question id, voter key) pairs are stored."""
        question_of = {voter: question for question, voter in asked}
        found: set[tuple[str, str]] = set()
        for chunk in chunks(sorted(question_of)):
            ids = sorted({question_of[voter] for voter in chunk})
            rows = await self._run(_existing, questions=ids, voters=chunk)
            found.update((question, voter) for question, voter in rows)
        return found

    async def change(
        self, added: Collection[tuple[str, str]], removed: Collection[tuple[str, str]], counted: Iterable[Question]
    ) -> None:
        """Store and delete votes, and set the counts: one statement each, whatever their number."""
        await self._run_many(_add, [{"question_id": question, "voter_key": voter} for question, voter in sorted(added)])
        await self._run_many(_remove, [{"question": question, "voter": voter} for question, voter in sorted(removed)])
        await self._run_many(_count, [{"question": each.id, "count": each.upvotes} for each in counted])
