"""Filling the demo's rooms, through the same use cases that people use."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pulsestage.bootstrap import clock
from pulsestage.domain.policy import Actor, Role
from pulsestage.services import questions, sessions, tags, teams, tenants, votes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from pulsestage.cli.demo_data import DemoQuestion, DemoRoom
    from pulsestage.domain.tenant import Millis, Tenant
    from pulsestage.services.context import Context


SPAN_MILLIS = 50 * 60 * 1000
"""How long ago the first question was asked."""


class LateClock:
    """Tells the time, `behind` milliseconds late: so that questions come in over the last hour and not all at once."""

    def __init__(self) -> None:
        self.behind = 0

    def __call__(self) -> Millis:
        """Now, as the demo's rooms know it."""
        return clock() - self.behind


async def seed(
    context: Context, room: DemoRoom, dice: Random, late: LateClock, on_question: Callable[[], None]
) -> None:
    """Found the room and let its people ask and vote. `on_question` is called after each question."""
    late.behind = SPAN_MILLIS
    tenant = await tenants.found(context, room.slug, room.name)
    admin = await _admin(context, tenant)
    team_ids = {}
    for team in room.teams:
        view, _ = await teams.create(context, admin, team.name, team.slug, team.description)
        team_ids[team.slug] = view.id
    tag_ids = {}
    for tag in room.tags:
        tag_view, _ = await tags.create(context, admin, tag.name, tag.color, tag.description)
        tag_ids[tag.name] = tag_view.id
    people = [_guest(context, tenant) for _ in range(room.people)]
    for number, question in enumerate(room.questions):
        late.behind = int(SPAN_MILLIS * (1 - (number + dice.random()) / len(room.questions)))
        author, *others = dice.sample(people, len(people))
        team_id = team_ids[question.team] if question.team else None
        asked = await questions.ask(context, author, tenant, question.body, team_id)
        await _discuss(context, asked.question.id, question, others)
        await _moderate(context, admin, asked.question.id, question, [tag_ids[name] for name in question.tags])
        on_question()
    late.behind = 0


def _guest(context: Context, tenant: Tenant) -> Actor:
    return Actor(tenant.id, context.new_id(), tenant.settings.guest_role)


async def _admin(context: Context, tenant: Tenant) -> Actor:
    link = sessions.make_link(context, tenant, Role.ADMIN)
    admin, _ = await sessions.sign_in(context, tenant, _guest(context, tenant), link)
    return admin


async def _discuss(context: Context, question_id: str, question: DemoQuestion, others: Sequence[Actor]) -> None:
    """Everybody at once, as in a real room: the votes are folded into one transaction."""
    await asyncio.gather(*(votes.cast(context, voter, question_id, up=True) for voter in others[: question.votes]))


async def _moderate(
    context: Context, admin: Actor, question_id: str, question: DemoQuestion, tag_ids: Sequence[str]
) -> None:
    for tag_id in tag_ids:
        await questions.tag(context, admin, question_id, tag_id)
    if question.pinned:
        await questions.pin(context, admin, question_id)
    if question.frozen:
        await questions.freeze(context, admin, question_id)
    if question.answer is not None:
        await questions.answer(context, admin, question_id, question.answer)
