"""A room of the stress run, as those outside know it, and how it is listed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.convergence.fold import Room
from tests.stress.caller import Away

if TYPE_CHECKING:
    from tests.stress.caller import Answer, Caller
    from tests.stress.history import View


@dataclass(eq=False)
class Place:
    """What there is in it, and who comes there."""

    slug: str
    tenant_id: str
    guests: list[str] = field(default_factory=list)
    """Their cookies."""
    moderator: str = ""
    """The cookie of one who may do everything."""
    questions: dict[str, str] = field(default_factory=dict)
    """Question -> the cookie of who asked."""
    tags: list[str] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)

    def path(self, path: str, **query: str) -> str:
        """That path, in this room."""
        return f"{path}?{urlencode({'tenantId': self.slug, **query})}"


@dataclass(frozen=True)
class Listed:
    """A room by its lists, page by page."""

    room: Room
    position: str
    """Of the first page: what happened later must be told."""
    until: str
    """Of the last page."""


async def list_room(caller: Caller, place: Place, view: View) -> Listed:
    """All questions (of one team), tags and teams, as the view sees them. Raises Away."""
    query = {"sort": "recent", "limit": "25", **({"teamId": view.team_id} if view.team_id else {})}
    cookie = place.moderator if view.moderates else ""
    pages = [await _get(caller, place.path("/questions", **query), cookie)]
    while link := pages[-1].headers.get("link"):
        pages.append(await _get(caller, f"/questions{link[1 : link.index('>')]}", cookie))
    # A question may have moved from one page to the next in between; it is in the room once.
    questions = {question["id"]: question for page in pages for question in page.json}
    tags, teams = [(await _get(caller, place.path(path), cookie)).json for path in ("/tags", "/teams")]
    room = Room.listed({"questions": [*questions.values()], "tags": tags, "teams": teams})
    return Listed(room, pages[0].position, pages[-1].position)


async def _get(caller: Caller, path: str, cookie: str) -> Answer:
    answer = await caller.request("GET", path, cookie=cookie)
    if answer.status == 503:  # it stops
        raise Away
    assert answer.status == 200, answer
    return answer
