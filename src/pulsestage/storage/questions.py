"""The tenant's visible questions.

Each order of a page has its index, and a page begins at its key (`WHERE (is_pinned, upvotes, id) < (…)`), so that its
cost follows its length and not the number of questions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, func, insert, select, tuple_, update

from pulsestage.domain.errors import QuestionNotFound
from pulsestage.domain.question import Question, Status
from pulsestage.storage.tables import question_tags, question_terms, questions, tags
from pulsestage.storage.tags import to_tag

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import ColumnElement, Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from pulsestage.domain.tag import Tag
    from pulsestage.services.ports import QuestionQuery

CHUNK = 500
"""How many values one `IN (…)` may have; SQLite allows 32,766 parameters in all."""


class SqlQuestions:
    """The Questions port for one tenant. With `locking`, rows that are read by id or tag stay locked until the end."""

    def __init__(self, connection: AsyncConnection, tenant_id: str, *, locking: bool) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._locking = locking
        self._mine = questions.c.tenant_id == tenant_id
        self._visible = (self._mine, questions.c.removed_at.is_(None))

    async def get(self, question_id: str) -> Question:
        """One question, locked in a write. Raises QuestionNotFound."""
        found = await self.get_many([question_id])
        if not found:
            raise QuestionNotFound
        return found[question_id]

    async def get_many(self, question_ids: Collection[str]) -> dict[str, Question]:
        """Those that exist, by id, locked in a write in the order of their ids."""
        found: dict[str, Question] = {}
        for chunk in chunks(sorted(question_ids)):
            query = select(questions).where(*self._visible, questions.c.id.in_(chunk)).order_by(questions.c.id)
            found.update((question.id, question) for question in await self._load(self._locked(query)))
        return found

    async def page(self, query: QuestionQuery) -> list[Question]:
        """One page in its order."""
        return await self._load(self.page_statement(query))

    def page_statement(self, query: QuestionQuery) -> Select[tuple[object, ...]]:
        """The page's one statement, apart so that a test can ask the database for its plan."""
        order: tuple[ColumnElement[object], ...] = (questions.c.id,)
        if query.sort == "popular":
            order = (questions.c.is_pinned, questions.c.upvotes, questions.c.id)
        statement = select(questions).where(*self._visible, *self._filters(query))
        if query.after is not None:
            key = query.after
            values = (key.is_pinned, key.upvotes, key.question_id) if len(order) > 1 else (key.question_id,)
            statement = statement.where(tuple_(*order) < tuple_(*values))
        return statement.order_by(*(column.desc() for column in order)).limit(query.limit)

    def _filters(self, query: QuestionQuery) -> Iterable[ColumnElement[bool]]:
        if query.status is not None:
            yield questions.c.status == query.status.value
        if query.team_id is not None:
            yield questions.c.team_id == query.team_id
        if query.tag_id is not None:
            yield exists().where(
                question_tags.c.question_id == questions.c.id,
                question_tags.c.tag_id == query.tag_id,
                question_tags.c.tenant_id == self._tenant_id,
            )
        for term in query.terms:
            # Terms are letters and digits in every script; \U0010ffff sorts after all that can follow.
            yield questions.c.id.in_(
                select(question_terms.c.question_id).where(
                    question_terms.c.tenant_id == self._tenant_id,
                    question_terms.c.term >= term,
                    question_terms.c.term < term + "\U0010ffff",
                )
            )

    async def every(self, team_id: str | None) -> list[Question]:
        """All visible questions of the tenant, or of one team, in the order of their ids."""
        query = select(questions).where(*self._visible).order_by(questions.c.id)
        if team_id is not None:
            query = query.where(questions.c.team_id == team_id)
        return await self._load(query)

    async def tagged_with(self, tag_id: str) -> list[Question]:
        """All that carry the tag, locked in a write in the order of their ids."""
        carriers = select(question_tags.c.question_id).where(
            question_tags.c.tenant_id == self._tenant_id, question_tags.c.tag_id == tag_id
        )
        query = select(questions).where(*self._visible, questions.c.id.in_(carriers)).order_by(questions.c.id)
        return await self._load(self._locked(query))

    async def sharing_terms(self, terms: Collection[str], limit: int) -> list[Question]:
        """Open questions with any of these words, most shared words first."""
        shared = func.count().label("shared")
        query = (
            select(question_terms.c.question_id, shared)
            .join(questions, questions.c.id == question_terms.c.question_id)
            .where(
                question_terms.c.tenant_id == self._tenant_id,
                question_terms.c.term.in_(terms),
                *self._visible,
                questions.c.status == Status.OPEN.value,
            )
            .group_by(question_terms.c.question_id)
            .order_by(shared.desc(), question_terms.c.question_id.desc())
            .limit(limit)
        )
        ids = (await self._connection.execute(query)).scalars().all()
        found = await self.get_many(ids)
        return [found[question_id] for question_id in ids]

    async def add(self, question: Question, terms: Collection[str]) -> None:
        """Store a new question and its words."""
        await self._connection.execute(insert(questions).values(**_columns(question), upvotes=question.upvotes))
        if terms:
            rows = [{"tenant_id": self._tenant_id, "term": term, "question_id": question.id} for term in terms]
            await self._connection.execute(insert(question_terms), rows)

    async def save(self, question: Question) -> None:
        """Store all but the votes, which change elsewhere, and the tags."""
        await self._connection.execute(
            update(questions).where(self._mine, questions.c.id == question.id).values(**_columns(question))
        )

    async def add_tag(self, question_id: str, tag_id: str) -> None:
        """Link a tag."""
        row = {"tenant_id": self._tenant_id, "question_id": question_id, "tag_id": tag_id}
        await self._connection.execute(insert(question_tags), row)

    async def remove_tag(self, question_id: str, tag_id: str) -> None:
        """Unlink a tag."""
        await self._connection.execute(
            delete(question_tags).where(
                question_tags.c.tenant_id == self._tenant_id,
                question_tags.c.question_id == question_id,
                question_tags.c.tag_id == tag_id,
            )
        )

    def _locked(self, query: Select[tuple[object, ...]]) -> Select[tuple[object, ...]]:
        return query.with_for_update() if self._locking else query

    async def _load(self, query: Select[tuple[object, ...]]) -> list[Question]:
        """The questions of a query, and in a second one all their tags."""
        rows = (await self._connection.execute(query)).all()
        tags_of = await self._tags_of([row.id for row in rows]) if rows else {}
        return [_to_question(row, tags_of.get(row.id, ())) for row in rows]

    async def _tags_of(self, question_ids: Sequence[str]) -> dict[str, tuple[Tag, ...]]:
        found: dict[str, tuple[Tag, ...]] = {}
        for chunk in chunks(question_ids):
            query = (
                select(question_tags.c.question_id, tags)
                .join(tags, tags.c.id == question_tags.c.tag_id)
                .where(question_tags.c.tenant_id == self._tenant_id, question_tags.c.question_id.in_(chunk))
                .order_by(tags.c.folded_name, tags.c.id)
            )
            for row in await self._connection.execute(query):
                found[row.question_id] = (*found.get(row.question_id, ()), to_tag(row))
        return found


def chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    """The values in pieces that fit one statement."""
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


def _columns(question: Question) -> dict[str, object]:
    return {
        "id": question.id,
        "tenant_id": question.tenant_id,
        "team_id": question.team_id,
        "body": question.body,
        "author_key": question.author_key,
        "is_pinned": question.pinned_at is not None,
        "status": question.status.value,
        "response_text": question.response_text,
        "responded_at": question.responded_at,
        "created_at": question.created_at,
        "updated_at": question.updated_at,
        "pinned_at": question.pinned_at,
        "pinned_by": question.pinned_by,
        "frozen_at": question.frozen_at,
        "frozen_by": question.frozen_by,
        "removed_at": question.removed_at,
    }


def _to_question(row: Row[tuple[object, ...]], its_tags: tuple[Tag, ...]) -> Question:
    return Question(
        id=row.id,
        tenant_id=row.tenant_id,
        team_id=row.team_id,
        body=row.body,
        created_at=row.created_at,
        updated_at=row.updated_at,
        author_key=row.author_key,
        upvotes=row.upvotes,
        response_text=row.response_text,
        responded_at=row.responded_at,
        pinned_at=row.pinned_at,
        pinned_by=row.pinned_by,
        frozen_at=row.frozen_at,
        frozen_by=row.frozen_by,
        removed_at=row.removed_at,
        tags=its_tags,
    )
