"""Teams."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from pulsestage.http.caller import caller_of
from pulsestage.http.parameters import Body, Id
from pulsestage.http.replies import no_content, reply
from pulsestage.services import teams


class NewTeam(Body):
    """A new team."""

    name: Annotated[str, Field(examples=["Engineering"])]
    """1 to 80 visible characters."""
    slug: Annotated[str, Field(examples=["engineering"])]
    """1 to 63 small letters, digits and inner hyphens."""
    description: str | None = None
    """Up to 500 visible characters."""


class TeamChange(Body):
    """What to change of a team; what is not given stays."""

    name: Annotated[str | None, Field(examples=["Engineering"])] = None
    """1 to 80 visible characters."""
    slug: str | None = None
    """1 to 63 small letters, digits and inner hyphens."""
    description: str | None = None
    """Up to 500 visible characters; an empty one removes it."""
    isActive: bool | None = None  # noqa: N815 - the wire is camelCase
    """Whether it takes new questions."""


async def every(request: Request) -> Response:
    """All teams, by name. Inactive ones take no new questions."""
    caller = await caller_of(request)
    found, position = await teams.every(caller.context, caller.actor)
    return reply(found, position=position)


async def create(request: Request, body: NewTeam) -> Response:
    """Make a team."""
    caller = await caller_of(request)
    team, position = await teams.create(caller.context, caller.actor, body.name, body.slug, body.description)
    return reply(team, status=201, position=position)


async def edit(request: Request, team_id: Id, body: TeamChange) -> Response:
    """Change a team."""
    caller = await caller_of(request)
    team, position = await teams.edit(
        caller.context,
        caller.actor,
        team_id,
        name=body.name,
        slug=body.slug,
        description=body.description,
        is_active=body.isActive,
    )
    return reply(team, position=position)


async def deactivate(request: Request, team_id: Id) -> Response:
    """Let a team take no more questions; those it has stay."""
    caller = await caller_of(request)
    return no_content(await teams.deactivate(caller.context, caller.actor, team_id))
