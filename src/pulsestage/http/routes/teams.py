"""Teams."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from pulsestage.http.caller import CallerOf
from pulsestage.http.documents import shows
from pulsestage.http.parameters import Id
from pulsestage.http.replies import no_content, reply
from pulsestage.services import teams
from pulsestage.services.views import TeamView

router = APIRouter(prefix="/teams", tags=["Teams"])


class NewTeam(BaseModel):
    """A new team."""

    name: Annotated[str, Field(examples=["Engineering"])]
    """1 to 80 characters."""
    slug: Annotated[str, Field(examples=["engineering"])]
    """1 to 63 small letters, digits and inner hyphens."""
    description: str | None = None


class TeamChange(BaseModel):
    """What to change of a team; what is not given stays."""

    name: str | None = None
    slug: str | None = None
    description: str | None = None
    isActive: bool | None = None  # noqa: N815 - the wire is camelCase


@router.get("", responses=shows(list[TeamView], 200))
async def every(caller: CallerOf) -> Response:
    """All teams, by name. Inactive ones take no new questions."""
    found, position = await teams.every(caller.context, caller.actor)
    return reply(found, position=position)


@router.post("", status_code=201, responses=shows(TeamView, 201, 403, 409, 422))
async def create(caller: CallerOf, body: NewTeam) -> Response:
    """Make a team."""
    team, position = await teams.create(caller.context, caller.actor, body.name, body.slug, body.description)
    return reply(team, status=201, position=position)


@router.patch("/{team_id}", responses=shows(TeamView, 200, 403, 404, 409, 422))
async def edit(caller: CallerOf, team_id: Id, body: TeamChange) -> Response:
    """Change a team."""
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


@router.delete("/{team_id}", status_code=204, responses=shows(None, 204, 403, 404))
async def deactivate(caller: CallerOf, team_id: Id) -> Response:
    """Let a team take no more questions; those it has stay."""
    return no_content(await teams.deactivate(caller.context, caller.actor, team_id))
