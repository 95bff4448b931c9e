"""The route table: every address the API answers, in one place, with what it shows and how it can fail.

The order matters only for speed, and where one address is a case of another (`/questions/search` and
`/questions/{question_id}`): routes are tried from the top, so the busiest come first.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from pulsestage.domain.errors import NotFound
from pulsestage.domain.policy import Action
from pulsestage.http.event_stream import EventStream
from pulsestage.http.parameters import is_id
from pulsestage.http.routes import operations, questions, sessions, streams, tags, teams, tenants, votes
from pulsestage.http.routes.operations import HealthView, LivenessView, ReadinessView
from pulsestage.http.routes.sessions import SessionView, TicketView
from pulsestage.http.routes.streams import StreamCountsView
from pulsestage.http.routes.tenants import TenantView
from pulsestage.services.views import QuestionView, TagView, TeamView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI
    from starlette.types import Receive, Scope, Send


_FOR_EVERY_CALLER = (403, 404, 422, 503)


@dataclass(frozen=True, slots=True)
class Answer:
    """What success shows: a struct, a list of one, `str` for text, `EventStream`, or None for no content.

    `headers` are those of this answer beside the ones that all answers have.
    """

    view: Any
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table.

    `name` is the operation's id in the document, so what generated clients call it: it stays as it is. `action` is what
    the caller must be allowed to do; None is for operations that have no caller and no tenant. The first status is
    success, the others are problems beside those that every operation can have.
    """

    name: str
    method: str
    path: str
    endpoint: Callable[..., Any]
    tag: str
    action: Action | None
    answer: Answer
    statuses: tuple[int, ...] = (200,)

    @property
    def failures(self) -> set[int]:
        """The statuses of its problems, those that every operation can have included."""
        return {500, *self.statuses[1:], *(_FOR_EVERY_CALLER if self.action else ())}


_ONE = "/questions/{question_id}"
_TAGGED = f"{_ONE}/tags/{{tag_id}}"
READ, ASK, VOTE, MODERATE = Action.READ, Action.ASK, Action.VOTE, Action.MODERATE
TAGS, TEAMS = Action.MANAGE_TAGS, Action.MANAGE_TEAMS

_AT = "X-Stream-Position"
_COOKIE = "Set-Cookie"
_SHOWN = Answer(QuestionView, (_AT,))
_VOTED = Answer(QuestionView, (_AT, _COOKIE))
_ALIKE = Answer(list[QuestionView])
_PAGE = Answer(list[QuestionView], (_AT, "Link"))
_TAG, _ALL_TAGS = Answer(TagView, (_AT,)), Answer(list[TagView], (_AT,))
_TEAM, _ALL_TEAMS = Answer(TeamView, (_AT,)), Answer(list[TeamView], (_AT,))
_SESSION = Answer(SessionView, (_COOKIE,))
_TICKET = Answer(TicketView, (_COOKIE,))
_DONE = Answer(None, (_AT,))
_STREAM = Answer(EventStream)
_READINESS = Answer(ReadinessView)

TABLE = [
    Route("upvoteQuestion", "POST", f"{_ONE}/upvote", votes.upvote, "Votes", VOTE, _VOTED, (200, 409, 429)),
    Route("removeUpvote", "DELETE", f"{_ONE}/upvote", votes.take_back, "Votes", VOTE, _VOTED, (200, 409, 429)),
    Route("followStream", "GET", "/sse", streams.stream, "Streams", READ, _STREAM),
    Route("followEvents", "GET", "/events", streams.stream, "Streams", READ, _STREAM),
    Route("askQuestion", "POST", "/questions", questions.ask, "Questions", ASK, _VOTED, (201, 429)),
    Route("listQuestions", "GET", "/questions", questions.page, "Questions", READ, _PAGE),
    Route("searchQuestions", "GET", "/questions/search", questions.similar, "Questions", READ, _ALIKE),
    Route("getQuestion", "GET", _ONE, questions.get, "Questions", READ, _SHOWN),
    Route("removeQuestion", "DELETE", _ONE, questions.remove, "Questions", READ, _DONE, (204,)),
    Route("answerQuestion", "POST", f"{_ONE}/answer", questions.answer, "Moderation", MODERATE, _SHOWN, (200, 409)),
    Route("respondToQuestion", "POST", f"{_ONE}/respond", questions.answer, "Moderation", MODERATE, _SHOWN, (200, 409)),
    Route("pinQuestion", "PUT", f"{_ONE}/pin", questions.pin, "Moderation", MODERATE, _SHOWN),
    Route("unpinQuestion", "DELETE", f"{_ONE}/pin", questions.unpin, "Moderation", MODERATE, _SHOWN),
    Route("freezeQuestion", "PUT", f"{_ONE}/freeze", questions.freeze, "Moderation", MODERATE, _SHOWN),
    Route("unfreezeQuestion", "DELETE", f"{_ONE}/freeze", questions.unfreeze, "Moderation", MODERATE, _SHOWN),
    Route("addTagToQuestion", "POST", f"{_ONE}/tags", questions.tag_by_body, "Moderation", MODERATE, _SHOWN),
    Route("tagQuestion", "PUT", _TAGGED, questions.tag, "Moderation", MODERATE, _SHOWN),
    Route("untagQuestion", "DELETE", _TAGGED, questions.untag, "Moderation", MODERATE, _SHOWN),
    Route("listTags", "GET", "/tags", tags.every, "Tags", READ, _ALL_TAGS),
    Route("createTag", "POST", "/tags", tags.create, "Tags", TAGS, _TAG, (201, 409)),
    Route("updateTag", "PATCH", "/tags/{tag_id}", tags.edit, "Tags", TAGS, _TAG, (200, 409)),
    Route("deleteTag", "DELETE", "/tags/{tag_id}", tags.delete, "Tags", TAGS, _DONE, (204,)),
    Route("listTeams", "GET", "/teams", teams.every, "Teams", READ, _ALL_TEAMS),
    Route("createTeam", "POST", "/teams", teams.create, "Teams", TEAMS, _TEAM, (201, 409)),
    Route("updateTeam", "PATCH", "/teams/{team_id}", teams.edit, "Teams", TEAMS, _TEAM, (200, 409)),
    Route("deactivateTeam", "DELETE", "/teams/{team_id}", teams.deactivate, "Teams", TEAMS, _DONE, (204,)),
    Route("getTenant", "GET", "/tenants/current", tenants.current, "Tenants", READ, Answer(TenantView)),
    Route("getSession", "GET", "/session", sessions.current, "Sessions", READ, _SESSION),
    Route("signIn", "POST", "/session", sessions.sign_in, "Sessions", READ, _SESSION, (201,)),
    Route("signOut", "DELETE", "/session", sessions.sign_out, "Sessions", READ, Answer(None, (_COOKIE,)), (204,)),
    Route("createTicket", "POST", "/sse/tickets", sessions.ticket, "Streams", READ, _TICKET, (201,)),
    Route("countStreams", "GET", "/sse/metrics", streams.metrics, "Streams", MODERATE, Answer(StreamCountsView)),
    Route("getHealth", "GET", "/health", operations.health, "Operations", None, Answer(HealthView)),
    Route("getLiveness", "GET", "/health/live", operations.live, "Operations", None, Answer(LivenessView)),
    Route("getReadiness", "GET", "/health/ready", operations.ready, "Operations", None, _READINESS, (200, 503)),
    Route("getMetrics", "GET", "/metrics", operations.metrics, "Operations", None, Answer(str), (200, 403)),
]


class DirectRoute(APIRoute):
    """A route for endpoints that take the request, ids from its path, perhaps a model of its query, and nothing else.

    It is documented like any other and skips FastAPI's injection, which votes and streams pay much for (ADR 8).
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:  # noqa: ANN401 - FastAPI's own
        super().__init__(path, endpoint, **options)
        self.app = self._serve
        self._query: type[BaseModel] | None = None
        for parameter in self.dependant.query_params:
            self._query = parameter.field_info.annotation  # type: ignore[assignment] # a model, or nothing is read

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        arguments: dict[str, Any] = dict(scope["path_params"])
        if not all(map(is_id, arguments.values())):
            raise NotFound
        request = Request(scope, receive, send)
        if self._query is not None:
            arguments["query"] = _read_query(request, self._query)
        response: Response = await self.endpoint(request, **arguments)
        await response(scope, receive, send)


def _read_query(request: Request, model: type[BaseModel]) -> BaseModel:
    try:
        return model.model_validate(dict(request.query_params))
    except ValidationError as error:
        places = [{**each, "loc": ("query", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(places) from error


_DIRECT = (votes.upvote, votes.take_back, streams.stream)


def expected_answers() -> Iterator[tuple[str, str, int]]:
    """Every method, path and status that is known before anybody asks."""
    for route in TABLE:
        for status in sorted({route.statuses[0], *route.failures}):
            yield route.method, route.path, status


def add_routes(app: FastAPI) -> None:
    """Add the table, route by route: a router included in a router would be searched twice for every request."""
    for route in TABLE:
        app.router.add_api_route(
            route.path,
            route.endpoint,
            methods=[route.method],
            tags=[route.tag],
            operation_id=route.name,
            summary=(inspect.getdoc(route.endpoint) or "").partition("\n")[0],
            response_class=Response,
            route_class_override=DirectRoute if route.endpoint in _DIRECT else None,
        )
