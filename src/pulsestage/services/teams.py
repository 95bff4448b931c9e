"""A tenant's teams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulsestage.domain import team as teams
from pulsestage.domain.events import TeamsChanged
from pulsestage.domain.policy import Action, Actor
from pulsestage.services.views import TeamView, team_view

if TYPE_CHECKING:
    from pulsestage.realtime import Position
    from pulsestage.services.context import Context


async def every(context: Context, actor: Actor) -> tuple[list[TeamView], Position]:
    """All teams, by name, active or not."""
    actor.require(Action.READ)
    async with context.unit_of_work.read(actor.tenant_id) as tx:
        found = await tx.teams.every()
    return [team_view(team) for team in found], tx.position


async def create(
    context: Context, actor: Actor, name: str, slug: str, description: str | None
) -> tuple[TeamView, Position]:
    """A new team. Raises SlugTaken, InvalidInput."""
    actor.require(Action.MANAGE_TEAMS)
    async with context.unit_of_work.write(actor.tenant_id) as tx:
        await tx.lock_catalog()
        team = teams.create(context.new_id(), actor.tenant_id, name, slug, description, tx.now)
        await tx.teams.add(team)
        tx.append([TeamsChanged(await tx.teams.every())])
    return team_view(team), tx.position


async def edit(
    context: Context,
    actor: Actor,
    team_id: str,
    *,
    name: str | None = None,
    slug: str | None = None,
    description: str | None = None,
    is_active: bool | None = None,
) -> tuple[TeamView, Position]:
    """Change a team. Raises TeamNotFound, SlugTaken, InvalidInput."""
    actor.require(Action.MANAGE_TEAMS)
    async with context.unit_of_work.write(actor.tenant_id) as tx:
        await tx.lock_catalog()
        before = await tx.teams.get(team_id)
        after = teams.edit(before, name=name, slug=slug, description=description, is_active=is_active)
        if after != before:
            await tx.teams.save(after)
            tx.append([TeamsChanged(await tx.teams.every())])
    return team_view(after), tx.position


async def deactivate(context: Context, actor: Actor, team_id: str) -> Position:
    """Let a team take no more questions; those it has stay. Raises TeamNotFound."""
    _, position = await edit(context, actor, team_id, is_active=False)
    return position
