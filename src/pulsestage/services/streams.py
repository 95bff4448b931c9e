"""What a stream may carry, and the snapshot it can begin with."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from pulsestage.domain.errors import InvalidInput, TeamNotFound
from pulsestage.domain.events import EVENT_TYPES
from pulsestage.domain.policy import Action, Actor
from pulsestage.domain.text import slug_of
from pulsestage.realtime import Filter, Position, StreamRequest
from pulsestage.services.questions import views
from pulsestage.services.views import QuestionView, SnapshotView, tag_view, team_view
from pulsestage.services.wire import encode_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from pulsestage.domain.tenant import Tenant
    from pulsestage.services.context import Context

CONTROL_TYPES = ("connected", "snapshot", "heartbeat", "reset", "goodbye")
"""Every stream has these, whatever its filter; naming them in one is allowed and changes nothing."""


async def request(  # noqa: PLR0913 - a stream's parameters, by name
    context: Context,
    tenant: Tenant,
    actor: Actor,
    *,
    types: Sequence[str] | None,
    team: str | None,
    snapshot: bool,
    last_event_id: str | None,
    encoding: Literal["identity", "gzip"],
    holders: tuple[str, ...] = (),
) -> StreamRequest:
    """What to subscribe to. Raises NotAllowed, TeamNotFound, and InvalidInput for an unknown event type."""
    actor.require(Action.READ)
    wanted = _check_types(types)
    team_id = None
    if team is not None:
        slug = slug_of(team)
        if slug is None:
            raise TeamNotFound
        async with context.unit_of_work.read(tenant.id) as tx:
            team_id = (await tx.teams.find(slug)).id
    return StreamRequest(
        tenant=tenant.id,
        audiences=actor.audiences,
        filter=Filter(types=wanted, topic=team_id),
        last_event_id=last_event_id,
        snapshot=partial(take_snapshot, context, actor, team_id) if snapshot else None,
        encoding=encoding,
        greeting={"tenantSlug": tenant.slug},
        holders=holders,
    )


async def take_snapshot(context: Context, actor: Actor, team_id: str | None) -> tuple[Position, bytes]:
    """All questions (of one team), tags and teams at one moment, as JSON, and which moment that is."""
    questions: list[QuestionView] = []
    async with context.unit_of_work.read(actor.tenant_id) as tx:
        while chunk := await tx.questions.every(team_id, after=questions[-1].id if questions else ""):
            questions += await views(context, actor, tx, chunk)
            await asyncio.sleep(0)  # a large room must not keep the others waiting
        tags, teams = await tx.tags.every(), await tx.teams.every()
    snapshot = SnapshotView(tuple(questions), tuple(map(tag_view, tags)), tuple(map(team_view, teams)))
    return tx.position, encode_json(snapshot)


def _check_types(types: Sequence[str] | None) -> frozenset[str] | None:
    if types is None:
        return None
    unknown = [name for name in types if name not in EVENT_TYPES and name not in CONTROL_TYPES]
    if unknown:
        known = ", ".join(EVENT_TYPES)
        raise InvalidInput({"events": [f"unknown event type {name!r}; one of {known}" for name in unknown]})
    return frozenset(types).difference(CONTROL_TYPES)
