"""Tags."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from pulsestage.http.caller import caller_of
from pulsestage.http.parameters import Body, Id
from pulsestage.http.replies import no_content, reply
from pulsestage.services import tags

Color = Annotated[str, Field(examples=["#3B82F6"])]


class NewTag(Body):
    """A new tag."""

    name: Annotated[str, Field(examples=["Strategy"])]
    """1 to 50 visible characters, unique whatever their case and accents."""
    color: Color | None = None
    """`#RRGGBB`; `#3B82F6` if not given."""
    description: str | None = None
    """Up to 500 visible characters."""


class TagChange(Body):
    """What to change of a tag; what is not given stays."""

    name: Annotated[str | None, Field(examples=["Strategy"])] = None
    """1 to 50 visible characters, unique whatever their case and accents."""
    color: Color | None = None
    """`#RRGGBB`."""
    description: str | None = None
    """Up to 500 visible characters; an empty one removes it."""


async def every(request: Request) -> Response:
    """All tags, by name."""
    caller = await caller_of(request)
    found, position = await tags.every(caller.context, caller.actor)
    return reply(found, position=position)


async def create(request: Request, body: NewTag) -> Response:
    """Make a tag."""
    caller = await caller_of(request)
    tag, position = await tags.create(caller.context, caller.actor, body.name, body.color, body.description)
    return reply(tag, status=201, position=position)


async def edit(request: Request, tag_id: Id, body: TagChange) -> Response:
    """Change a tag, wherever it is shown."""
    caller = await caller_of(request)
    tag, position = await tags.edit(
        caller.context, caller.actor, tag_id, name=body.name, color=body.color, description=body.description
    )
    return reply(tag, position=position)


async def delete(request: Request, tag_id: Id) -> Response:
    """Delete a tag and take it from every question."""
    caller = await caller_of(request)
    return no_content(await tags.delete(caller.context, caller.actor, tag_id))
