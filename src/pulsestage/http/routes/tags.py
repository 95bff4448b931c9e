"""Tags."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from pulsestage.http.caller import CallerOf
from pulsestage.http.documents import shows
from pulsestage.http.parameters import Id
from pulsestage.http.replies import no_content, reply
from pulsestage.services import tags
from pulsestage.services.views import TagView

router = APIRouter(prefix="/tags", tags=["Tags"])

Color = Annotated[str, Field(examples=["#3B82F6"])]


class NewTag(BaseModel):
    """A new tag."""

    name: Annotated[str, Field(examples=["Strategy"])]
    """1 to 50 characters, unique whatever their case."""
    color: Color | None = None
    """`#RRGGBB`; `#3B82F6` if not given."""
    description: str | None = None


class TagChange(BaseModel):
    """What to change of a tag; what is not given stays."""

    name: str | None = None
    color: Color | None = None
    description: str | None = None


@router.get("", responses=shows(list[TagView], 200))
async def every(caller: CallerOf) -> Response:
    """All tags, by name."""
    found, position = await tags.every(caller.context, caller.actor)
    return reply(found, position=position)


@router.post("", status_code=201, responses=shows(TagView, 201, 403, 409, 422))
async def create(caller: CallerOf, body: NewTag) -> Response:
    """Make a tag."""
    tag, position = await tags.create(caller.context, caller.actor, body.name, body.color, body.description)
    return reply(tag, status=201, position=position)


@router.patch("/{tag_id}", responses=shows(TagView, 200, 403, 404, 409, 422))
async def edit(caller: CallerOf, tag_id: Id, body: TagChange) -> Response:
    """Change a tag, wherever it is shown."""
    tag, position = await tags.edit(
        caller.context, caller.actor, tag_id, name=body.name, color=body.color, description=body.description
    )
    return reply(tag, position=position)


@router.delete("/{tag_id}", status_code=204, responses=shows(None, 204, 403, 404))
async def delete(caller: CallerOf, tag_id: Id) -> Response:
    """Delete a tag and take it from every question."""
    return no_content(await tags.delete(caller.context, caller.actor, tag_id))
