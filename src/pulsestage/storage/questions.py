"""The tenant's visible questions.

Popular is pinned first, then most votes, then oldest; recent is newest first. An id begins with the time of asking, so
the order of ids is that of asking. Each order has its index, and a page begins at its key, so that its cost follows its
length and not the number of questions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, exists, insert, select, tuple_, update

from pulsestage.domain.errors import QuestionNotFound
from pulsestage.domain.question import Question, Status
from pulsestage.domain.words import RULES
from pulsestage.services.ports import PageKey, page_key
from pulsestage.storage import search
from pulsestage.storage.prepared import Prepared, Row
from pulsestage.storage.scoped import CHUNK, TENANT, Scoped, chunks
from pulsestage.storage.tables import question_tags, question_terms, questions, tags
from pulsestage.storage.tags import in_order, to_tag

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import ColumnElement, Select

    from pulsestage.domain.tag import Tag
    from pulsestage.services.ports import QuestionQuery

_visible = select(questions).where(questions.c.tenant_id == TENANT, questions.c.removed_at.is_(None))
_in_order = _visible.order_by(questions.c.id)
_some = _in_order.where(questions.c.id.in_(bindparam("ids", expanding=True)))
_by_ids = Prepared(_some)
_by_ids_locked = Prepared(_some.with_for_update())
_after = _in_order.where(questions.c.id > bindparam("after")).limit(CHUNK)
_every = Prepared(_after)
_every_of_team = Prepared(_after.where(questions.c.team_id == bindparam("team")))
_tagged = _in_order.where(
    questions.c.id.in_(
        select(question_tags.c.question_id).where(
            question_tags.c.tenant_id == TENANT, question_tags.c.tag_id == bindparam("tag")
        )
    )
)
_tagged_with = Prepared(_tagged)
_tagged_with_locked = Prepared(_tagged.with_for_update())
_open_among = Prepared(_some.where(questions.c.status == Status.OPEN.value))
_tags_of = Prepared(
    select(question_tags.c.question_id, tags)
    .join(tags, tags.c.id == question_tags.c.tag_id)
    .where(question_tags.c.tenant_id == TENANT, question_tags.c.question_id.in_(bindparam("ids", expanding=True)))
)
_add = Prepared(insert(questions).values(tenant_id=TENANT, text_rules=RULES))
_save = Prepared(update(questions).where(questions.c.tenant_id == TENANT, questions.c.id == bindparam("question")))
_add_terms = Prepared(insert(question_terms).values(tenant_id=TENANT))
_add_tag = Prepared(insert(question_tags).values(tenant_id=TENANT))
_remove_tag = Prepared(
    delete(question_tags).where(
        question_tags.c.tenant_id == TENANT,
        question_tags.c.question_id == bindparam("question"),
        question_tags.c.tag_id == bindparam("tag"),
    )
)


class SqlQuestions(Scoped):
    """The Questions port for one tenant."""

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
            query = _by_ids_locked if self._locking else _by_ids
            found.update((question.id, question) for question in await self._load(await self._run(query, ids=chunk)))
        return found

    async def page(self, query: QuestionQuery) -> list[Question]:
        """One page in its order."""
        return await self._page(query)

    async def every(self, team_id: str | None, *, after: str = "") -> list[Question]:
        """The next CHUNK visible questions of the tenant, or of one team, in the order of their ids."""
        if team_id is None:
            return await self._load(await self._run(_every, after=after))
        return await self._load(await self._run(_every_of_team, team=team_id, after=after))

    async def tagged_with(self, tag_id: str) -> list[Question]:
        """All that carry the tag, locked in a write in the order of their ids."""
        query = _tagged_with_locked if self._locking else _tagged_with
        return await self._load(await self._run(query, tag=tag_id))

    async def search(self, query: QuestionQuery, terms: Sequence[str]) -> tuple[list[Question], PageKey | None]:
        """One page of those that have all the terms, and where the next begins."""
        rarest = await search.having_rarest(self._run, terms)
        if rarest is not None and len(rarest) * len(terms) <= search.MAX_LOOK_UPS:
            having = await search.having_all(self._run, sorted(rarest), terms)
            found = await self._page(query, questions.c.id.in_(having)) if having else []
            return found, page_key(found[-1]) if len(found) == query.limit else None
        return await self._walk(query, terms)

    async def sharing_terms(self, terms: Collection[str], limit: int) -> list[Question]:
        """Open questions with any of these terms, most shared terms first."""
        found: list[Question] = []
        for ids in chunks(await search.sharing_most(self._run, terms)):
            if len(found) < limit:
                its_open = {each.id: each for each in await self._load(await self._run(_open_among, ids=ids))}
                found += [its_open[each] for each in ids if each in its_open]
        return found[:limit]

    async def add(self, question: Question, terms: Collection[str]) -> None:
        """Store a new question and its words."""
        await self._run(_add, id=question.id, upvotes=question.upvotes, **_columns(question))
        await self._run_many(_add_terms, [{"term": term, "question_id": question.id} for term in terms])

    async def save(self, question: Question) -> None:
        """Store all but the votes, which change elsewhere, and the tags."""
        await self._run(_save, question=question.id, **_columns(question))

    async def add_tag(self, question_id: str, tag_id: str) -> None:
        """Link a tag."""
        await self._run(_add_tag, question_id=question_id, tag_id=tag_id)

    async def remove_tag(self, question_id: str, tag_id: str) -> None:
        """Unlink a tag."""
        await self._run(_remove_tag, question=question_id, tag=tag_id)

    async def _page(self, query: QuestionQuery, *conditions: ColumnElement[bool]) -> list[Question]:
        found: list[Question] = []
        for statement in page_statements(query):
            if len(found) < query.limit:
                rest = statement.where(*conditions).limit(query.limit - len(found))
                found += await self._load(await self._run_once(rest))
        return found

    async def _walk(self, query: QuestionQuery, terms: Sequence[str]) -> tuple[list[Question], PageKey | None]:
        """The search for terms that are all common: every question is tried, in the order of the list."""
        ids: list[str] = []
        size, key = search.step(terms), query.after
        for _ in range(0, search.MAX_LOOK_UPS, size * len(terms)):
            keys = await self._keys(replace(query, after=key, limit=size))
            having = await search.having_all(self._run, [key.question_id for key in keys], terms)
            for key in keys:
                if key.question_id in having:
                    ids.append(key.question_id)
                if len(ids) == query.limit:
                    return await self._these(ids), key
            if len(keys) < size:
                return await self._these(ids), None
        return await self._these(ids), key

    async def _keys(self, query: QuestionQuery) -> list[PageKey]:
        """The places of a page's questions, without the questions."""
        keys: list[PageKey] = []
        for statement in page_statements(query):
            if len(keys) < query.limit:
                places = statement.with_only_columns(questions.c.is_pinned, questions.c.upvotes, questions.c.id)
                keys += [PageKey(*row) for row in await self._run_once(places.limit(query.limit - len(keys)))]
        return keys

    async def _these(self, question_ids: Sequence[str]) -> list[Question]:
        found = await self.get_many(question_ids)
        return [found[each] for each in question_ids]

    async def _load(self, rows: Sequence[Row]) -> list[Question]:
        """The questions that were read, with their tags, which one more query finds."""
        found: dict[str, tuple[Tag, ...]] = {}
        for chunk in chunks([row.id for row in rows]):
            for row in await self._run(_tags_of, ids=chunk):
                found[row.question_id] = (*found.get(row.question_id, ()), to_tag(row))
        return [_to_question(row, in_order(found.get(row.id, ()))) for row in rows]


def page_statements(query: QuestionQuery) -> list[Select[Any]]:
    """What a page is read from, one after the other until it is full; apart so that a test can ask for their plans."""
    statement, key = _visible.where(*_filters(query)), query.after
    if query.sort == "recent":
        newest = statement.order_by(questions.c.id.desc())
        return [newest if key is None else newest.where(questions.c.id < key.question_id)]
    popular = statement.order_by(questions.c.is_pinned.desc(), questions.c.upvotes.desc(), questions.c.id)
    if key is None:
        return [popular]
    # The order goes down in votes and up in ids, which is no one comparison of rows: first the rest of the questions
    # that have as many votes, then those that have fewer.
    as_many = statement.where(
        questions.c.is_pinned == key.is_pinned, questions.c.upvotes == key.upvotes, questions.c.id > key.question_id
    )
    fewer = popular.where(tuple_(questions.c.is_pinned, questions.c.upvotes) < (key.is_pinned, key.upvotes))
    return [as_many.order_by(questions.c.id), fewer]


def _filters(query: QuestionQuery) -> Iterable[ColumnElement[bool]]:
    if query.status is not None:
        yield questions.c.status == query.status.value
    if query.team_id is not None:
        yield questions.c.team_id == query.team_id
    if query.tag_id is not None:
        yield exists().where(
            question_tags.c.question_id == questions.c.id,
            question_tags.c.tag_id == query.tag_id,
            question_tags.c.tenant_id == TENANT,
        )


def _columns(question: Question) -> dict[str, object]:
    return {
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


def _to_question(row: Row, its_tags: tuple[Tag, ...]) -> Question:
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
