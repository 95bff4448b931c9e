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
from pulsestage.http.documents import shows, stream_documentation
from pulsestage.http.parameters import EXAMPLE_ID, is_id
from pulsestage.http.routes import operations, questions, sessions, streams, tags, teams, tenants, votes
from pulsestage.http.routes.sessions import SessionView, TicketView
from pulsestage.http.routes.tenants import TenantView
from pulsestage.services.views import QuestionView, TagView, TeamView

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table. The first status is success, showing `view`; the others are problems."""

    method: str
    path: str
    endpoint: Callable[..., Any]
    tag: str
    view: Any
    statuses: tuple[int, ...]


_QUESTION = "/questions/{question_id}"
_STREAMS = {"totalConnections": 1, "tenantConnections": {EXAMPLE_ID: 1}, "tenantCount": 1}
_METRICS = "# TYPE pulsestage_stream_connections gauge\npulsestage_stream_connections 1.0\n"

TABLE = [
    Route("POST", f"{_QUESTION}/upvote", votes.upvote, "Votes", QuestionView, (200, 403, 404, 409, 429)),
    Route("DELETE", f"{_QUESTION}/upvote", votes.take_back, "Votes", QuestionView, (200, 403, 404, 409, 429)),
    Route("GET", "/sse", streams.stream, "Streams", None, (200, 403, 404, 422, 503)),
    Route("GET", "/events", streams.stream, "Streams", None, (200, 403, 404, 422, 503)),
    Route("POST", "/questions", questions.ask, "Questions", QuestionView, (201, 403, 422, 429)),
    Route("GET", "/questions", questions.page, "Questions", list[QuestionView], (200, 422)),
    Route("GET", "/questions/search", questions.similar, "Questions", list[QuestionView], (200,)),
    Route("GET", _QUESTION, questions.get, "Questions", QuestionView, (200, 404)),
    Route("DELETE", _QUESTION, questions.remove, "Questions", None, (204, 403, 404)),
    Route("POST", f"{_QUESTION}/answer", questions.answer, "Moderation", QuestionView, (200, 403, 404, 409, 422)),
    Route("POST", f"{_QUESTION}/respond", questions.answer, "Moderation", QuestionView, (200, 403, 404, 409, 422)),
    Route("PUT", f"{_QUESTION}/pin", questions.pin, "Moderation", QuestionView, (200, 403, 404)),
    Route("DELETE", f"{_QUESTION}/pin", questions.unpin, "Moderation", QuestionView, (200, 403, 404)),
    Route("PUT", f"{_QUESTION}/freeze", questions.freeze, "Moderation", QuestionView, (200, 403, 404)),
    Route("DELETE", f"{_QUESTION}/freeze", questions.unfreeze, "Moderation", QuestionView, (200, 403, 404)),
    Route("POST", f"{_QUESTION}/tags", questions.tag_by_body, "Moderation", QuestionView, (200, 403, 404, 422)),
    Route("PUT", f"{_QUESTION}/tags/{{tag_id}}", questions.tag, "Moderation", QuestionView, (200, 403, 404)),
    Route("DELETE", f"{_QUESTION}/tags/{{tag_id}}", questions.untag, "Moderation", QuestionView, (200, 403, 404)),
    Route("GET", "/tags", tags.every, "Tags", list[TagView], (200,)),
    Route("POST", "/tags", tags.create, "Tags", TagView, (201, 403, 409, 422)),
    Route("PATCH", "/tags/{tag_id}", tags.edit, "Tags", TagView, (200, 403, 404, 409, 422)),
    Route("DELETE", "/tags/{tag_id}", tags.delete, "Tags", None, (204, 403, 404)),
    Route("GET", "/teams", teams.every, "Teams", list[TeamView], (200,)),
    Route("POST", "/teams", teams.create, "Teams", TeamView, (201, 403, 409, 422)),
    Route("PATCH", "/teams/{team_id}", teams.edit, "Teams", TeamView, (200, 403, 404, 409, 422)),
    Route("DELETE", "/teams/{team_id}", teams.deactivate, "Teams", None, (204, 403, 404)),
    Route("GET", "/tenants/current", tenants.current, "Tenants", TenantView, (200, 404)),
    Route("GET", "/session", sessions.current, "Sessions", SessionView, (200,)),
    Route("POST", "/session", sessions.sign_in, "Sessions", SessionView, (201, 403, 422)),
    Route("DELETE", "/session", sessions.sign_out, "Sessions", None, (204,)),
    Route("POST", "/sse/tickets", sessions.ticket, "Streams", TicketView, (201,)),
    Route("GET", "/sse/metrics", streams.metrics, "Streams", _STREAMS, (200, 403)),
    Route("GET", "/health", operations.health, "Operations", {"ok": True, "version": "1.0.0"}, (200,)),
    Route("GET", "/health/live", operations.live, "Operations", {"ok": True}, (200,)),
    Route("GET", "/health/ready", operations.ready, "Operations", {"ok": True, "failing": []}, (200, 503)),
    Route("GET", "/metrics", operations.metrics, "Operations", _METRICS, (200,)),
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


def add_routes(app: FastAPI) -> None:
    """Add the table, route by route: a router included in a router would be searched twice for every request."""
    for route in TABLE:
        streams_events = route.endpoint is streams.stream
        app.router.add_api_route(
            route.path,
            route.endpoint,
            methods=[route.method],
            tags=[route.tag],
            summary=(inspect.getdoc(route.endpoint) or "").partition("\n")[0],
            status_code=route.statuses[0],
            response_class=Response,
            route_class_override=DirectRoute if route.endpoint in _DIRECT else None,
            responses=stream_documentation() if streams_events else shows(route.view, *route.statuses),
        )
