"""Asking, reading, answering and moderating questions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulsestage.domain import question as life
from pulsestage.domain.errors import InvalidInput, NotAllowed, TeamNotFound
from pulsestage.domain.policy import Action, Actor
from pulsestage.domain.text import without_heaps
from pulsestage.domain.words import query_terms, search_terms, similarities
from pulsestage.services.ports import PageKey, QuestionQuery, Transaction, page_key
from pulsestage.services.views import QuestionView, question_view

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pulsestage.domain.question import Question
    from pulsestage.domain.tag import Tag
    from pulsestage.domain.tenant import Millis, Tenant
    from pulsestage.realtime import Position
    from pulsestage.services.context import Context

SIMILAR_LIMIT = 10
_SIMILAR_TERMS = 6
_SIMILAR_CANDIDATES = 50
_SIMILAR_ENOUGH = 0.2


@dataclass(frozen=True, slots=True)
class Changed:
    """A question after a change, for the person who made it, and where in the log the change is."""

    question: QuestionView
    position: Position


@dataclass(frozen=True, slots=True)
class Page:
    """One page of questions as of `position`. `next` is None on the last one."""

    questions: list[QuestionView]
    next: PageKey | None
    position: Position


async def ask(context: Context, actor: Actor, tenant: Tenant, body: str, team_id: str | None) -> Changed:
    """Ask a question. Raises InvalidInput for its length, or for a team that doesn't exist or takes none."""
    actor.require(Action.ASK)
    body = life.check_body(body, tenant.settings)
    await context.limits.check("ask", actor.person_id)
    question_id = context.new_id()
    author_key = context.pseudonyms.of(actor.person_id, question_id)
    async with context.unit_of_work.write(actor.tenant_id) as tx:
        await _check_team(tx, team_id)
        question, events = life.ask(question_id, actor.tenant_id, team_id, body, author_key, tx.now)
        await tx.questions.add(question, search_terms(body))
        tx.append(events)
    # Nothing is pinned or frozen yet.
    return Changed(question_view(question, has_upvoted=False, is_mine=True, moderates=False), tx.position)


async def get(context: Context, actor: Actor, question_id: str) -> Changed:
    """One question. Raises QuestionNotFound."""
    actor.require(Action.READ)
    async with context.unit_of_work.read(actor.tenant_id) as tx:
        question = await tx.questions.get(question_id)
        [view] = await views(context, actor, tx, [question])
    return Changed(view, tx.position)


async def page(context: Context, actor: Actor, query: QuestionQuery) -> Page:
    """A page of questions; its position is where a stream goes on without gap or overlap."""
    actor.require(Action.READ)
    async with context.unit_of_work.read(actor.tenant_id) as tx:
        questions = await tx.questions.page(query)
        page_views = await views(context, actor, tx, questions)
    following = page_key(questions[-1]) if len(questions) == query.limit else None
    return Page(page_views, following, tx.position)


async def search(context: Context, actor: Actor, query: QuestionQuery, text: str) -> Page:
    """A page of the questions that have each word of the text, or a word that it begins; of none if it has no word."""
    actor.require(Action.READ)
    terms = query_terms(text)
    async with context.unit_of_work.read(actor.tenant_id) as tx:
        questions, following = await tx.questions.search(query, terms) if terms else ((), None)
        page_views = await views(context, actor, tx, questions)
    return Page(page_views, following, tx.position)


async def similar(context: Context, actor: Actor, text: str) -> list[QuestionView]:
    """Up to ten open questions like this text, the best first; any text will do."""
    actor.require(Action.READ)
    text = without_heaps(text)
    terms = query_terms(text)[:_SIMILAR_TERMS]
    if not terms:
        return []
    async with context.unit_of_work.read(actor.tenant_id) as tx:
        candidates = await tx.questions.sharing_terms(terms, _SIMILAR_CANDIDATES)
        scores: list[float] = []
        for score in similarities(text, [each.body for each in candidates]):
            scores.append(score)
            await asyncio.sleep(0)  # the longest of texts takes a few milliseconds, and others wait
        scored = [pair for pair in zip(scores, candidates, strict=True) if pair[0] >= _SIMILAR_ENOUGH]
        scored.sort(key=lambda pair: (-pair[0], -pair[1].upvotes, pair[1].id))
        return await views(context, actor, tx, [candidate for _, candidate in scored[:SIMILAR_LIMIT]])


async def answer(context: Context, actor: Actor, question_id: str, response: str) -> Changed:
    """Answer, or change the answer. Raises QuestionNotFound, QuestionFrozen, InvalidInput."""
    return await _moderate(context, actor, question_id, lambda question, now: life.answer(question, response, now))


async def pin(context: Context, actor: Actor, question_id: str) -> Changed:
    """Put a question on top; nothing happens if it is there."""
    by = actor.member_id
    return await _moderate(context, actor, question_id, lambda question, now: life.pin(question, by, now))


async def unpin(context: Context, actor: Actor, question_id: str) -> Changed:
    """Take the pin away."""
    return await _moderate(context, actor, question_id, life.unpin)


async def freeze(context: Context, actor: Actor, question_id: str) -> Changed:
    """Let a question take no votes and no answer."""
    by = actor.member_id
    return await _moderate(context, actor, question_id, lambda question, now: life.freeze(question, by, now))


async def unfreeze(context: Context, actor: Actor, question_id: str) -> Changed:
    """Let it take votes and an answer again."""
    return await _moderate(context, actor, question_id, life.unfreeze)


async def remove(context: Context, actor: Actor, question_id: str) -> Position:
    """Withdraw one's own question while it is unanswered, or dismiss any as a moderator."""
    async with context.unit_of_work.write(actor.tenant_id) as tx:
        question = await tx.questions.get(question_id)
        if actor.may(Action.MODERATE):
            question, events = life.remove(question, tx.now)
        elif question.author_key == context.pseudonyms.of(actor.person_id, question.id):
            question, events = life.withdraw(question, tx.now)
        else:
            raise NotAllowed("Only its author or a moderator can remove a question.")
        await tx.questions.save(question)
        tx.append(events)
    return tx.position


async def tag(context: Context, actor: Actor, question_id: str, tag_id: str) -> Changed:
    """Give a question a tag; nothing happens if it has it. Raises QuestionNotFound, TagNotFound."""
    return await _retag(context, actor, question_id, tag_id, life.tag)


async def untag(context: Context, actor: Actor, question_id: str, tag_id: str) -> Changed:
    """Take a tag from a question; nothing happens if it doesn't have it. Raises QuestionNotFound, TagNotFound."""
    return await _retag(context, actor, question_id, tag_id, life.untag)


async def views(context: Context, actor: Actor, tx: Transaction, questions: Sequence[Question]) -> list[QuestionView]:
    """The questions as this actor sees them, with one query for all the votes."""
    keys = {question.id: context.pseudonyms.of(actor.person_id, question.id) for question in questions}
    voted = await tx.votes.existing(keys.items())
    moderates = actor.may(Action.MODERATE)
    return [
        question_view(
            question,
            has_upvoted=(question.id, keys[question.id]) in voted,
            is_mine=question.author_key == keys[question.id],
            moderates=moderates,
        )
        for question in questions
    ]


async def _moderate(
    context: Context, actor: Actor, question_id: str, step: Callable[[Question, Millis], life.Change]
) -> Changed:
    actor.require(Action.MODERATE)
    async with context.unit_of_work.write(actor.tenant_id) as tx:
        question, events = step(await tx.questions.get(question_id), tx.now)
        if events:
            await tx.questions.save(question)
            tx.append(events)
        [view] = await views(context, actor, tx, [question])
    return Changed(view, tx.position)


async def _retag(
    context: Context, actor: Actor, question_id: str, tag_id: str, step: Callable[[Question, Tag, Millis], life.Change]
) -> Changed:
    actor.require(Action.MODERATE)
    async with context.unit_of_work.write(actor.tenant_id) as tx:
        chosen = await tx.tags.get(tag_id)
        question, events = step(await tx.questions.get(question_id), chosen, tx.now)
        if events:
            store = tx.questions.add_tag if chosen in question.tags else tx.questions.remove_tag
            await store(question_id, tag_id)
            await tx.questions.save(question)
            tx.append(events)
        [view] = await views(context, actor, tx, [question])
    return Changed(view, tx.position)


async def _check_team(tx: Transaction, team_id: str | None) -> None:
    if team_id is None:
        return
    try:
        team = await tx.teams.get(team_id)
    except TeamNotFound:
        raise InvalidInput({"teamId": ["no such team; GET /teams lists them"]}) from None
    if not team.is_active:
        raise InvalidInput({"teamId": ["this team takes no questions now"]})
