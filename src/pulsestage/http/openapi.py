"""The API described: an OpenAPI document, made from the route table.

FastAPI knows what requests carry; what answers carry is made from the services' views, which they are encoded from.
What is true of every operation is said here once.
"""

from __future__ import annotations

import inspect
from http import HTTPStatus
from typing import TYPE_CHECKING, get_args

from fastapi.openapi.utils import get_openapi
from msgspec import Struct, to_builtins

from pulsestage.domain.errors import PulseStageError
from pulsestage.domain.policy import NEEDS, Role
from pulsestage.http import example_frames, examples, schemas
from pulsestage.http.cookies import PREFIX as COOKIE_PREFIX
from pulsestage.http.errors import STATUS, Problem, codes
from pulsestage.http.event_stream import EventStream
from pulsestage.http.routes.operations import ReadinessView
from pulsestage.http.routing import TABLE, Route
from pulsestage.http.schemas import Schema, ref

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

TAGS = [
    {"name": "Questions", "description": "Ask, list and withdraw questions."},
    {"name": "Votes", "description": "One vote per person and question."},
    {"name": "Moderation", "description": "Answer, tag, pin and freeze questions."},
    {"name": "Tags", "description": "A tenant's labels for questions."},
    {"name": "Teams", "description": "Parts of a tenant that questions can be addressed to."},
    {"name": "Tenants", "description": "The room a request is for."},
    {"name": "Sessions", "description": "Who one is: guests by cookie, moderators by link."},
    {"name": "Streams", "description": "The same state on every screen, by Server-Sent Events."},
    {"name": "Operations", "description": "Health and metrics, for whoever runs the server."},
]

_DESCRIPTION = """\
Live Q&A: questions, votes and moderation, and one stream that shows every change.
[asyncapi.json](asyncapi.json) describes what the stream carries.

Fields, codes and types are added over time: ignore what you don't know."""

_TENANT = "The tenant's slug. If neither is given: the session's tenant (but for streams), or else `default`."
_PARAMETERS: dict[str, Schema] = {
    "TenantHeader": {"name": "X-Tenant-ID", "in": "header", "description": _TENANT},
    "TenantQuery": {"name": "tenantId", "in": "query", "description": _TENANT},
    "LastEventId": {"name": "Last-Event-ID", "in": "header", "description": "The position to resume from."},
}

_HEADERS: dict[str, Schema] = {
    "X-Request-ID": {
        "description": "The request's id in the server's log: the one that was sent, or one that was made.",
        "required": True,
        "schema": {"type": "string"},
        "example": "2f6a1c8e4b5d0192",
    },
    "X-Stream-Position": {
        "description": "What the answer shows is true for this position of the tenant's log; follow a stream from it.",
        "required": True,
        "schema": schemas.POSITION,
        "example": examples.POSITION,
    },
    "Link": {
        "description": 'Leads to the following page, as `rel="next"`; relative to this one. The last page has none.',
        "schema": {"type": "string"},
        "example": examples.NEXT_PAGE,
    },
    "Retry-After": {
        "description": "After how many seconds to try again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
        "example": 5,
    },
    "Set-Cookie": {
        "description": "The session's cookie, if it is new or has changed. Keep it: it is who you are.",
        "schema": {"type": "string"},
        "example": examples.COOKIE,
    },
}

_COOKIE = {"type": "apiKey", "in": "cookie", "name": f"{COOKIE_PREFIX}default"}
_SECURITY: dict[str, Schema] = {
    "guest": _COOKIE
    | {
        "description": f"A guest's cookie, `{COOKIE_PREFIX}<slug>`, one for each tenant. A request without it is that "
        "of a new guest; answers with `Set-Cookie` give it."
    },
    "session": _COOKIE | {"description": "The same cookie after `POST /session` with the token of a sign-in link."},
    "ticket": {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "A ticket of `POST /sse/tickets`, for one stream.",
    },
}
_ANYBODY: list[Schema] = [{}, {"guest": []}]

_WITH_A_BODY = (400, 413)


def describe(app: FastAPI) -> Schema:
    """The document."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=[{"url": app.state.options.root_path or "/"}],
        tags=TAGS,
        routes=app.routes,
    )
    document["security"] = _ANYBODY
    bodies = document["components"]["schemas"]
    document["components"] = {
        "schemas": schemas.name_enumerations(dict(_schemas(bodies))),
        "responses": {_name(status): _problem(status) for status in examples.PROBLEMS},
        "parameters": {name: {**each, "schema": {"type": "string"}} for name, each in _PARAMETERS.items()},
        "headers": _HEADERS,
        "securitySchemes": _SECURITY,
    }
    for route in TABLE:
        _complete(route, document["paths"][route.path][route.method.lower()])
    return document


def _complete(route: Route, operation: Schema) -> None:
    """Say of an operation what the table says of it."""
    parameters = [{**each, "schema": _given(each["schema"])} for each in operation.get("parameters", ())]
    if parameters := [*parameters, *_read_by_hand(route)]:
        operation["parameters"] = parameters
    operation["responses"] = dict(_responses(route, has_body="requestBody" in operation))
    # FastAPI repeats the summary, which is a docstring's first line.
    text = operation.pop("description").removeprefix(operation["summary"]).strip()
    if route.action is None:
        operation["security"] = []
    elif NEEDS[route.action] > Role.MEMBER:
        operation["security"] = [{"session": []}]
        text = f"Needs the role {NEEDS[route.action].slug}. {text}".rstrip()
    elif route.answer.view is EventStream:
        operation["security"] = [*_ANYBODY, {"ticket": []}]
    if text:
        operation["description"] = text


def _read_by_hand(route: Route) -> Iterator[Schema]:
    """References to the parameters that FastAPI doesn't know of."""
    for name in _PARAMETERS if route.action else ():
        if name != "LastEventId" or route.answer.view is EventStream:
            yield {"$ref": f"#/components/parameters/{name}"}


def _responses(route: Route, *, has_body: bool) -> Iterator[tuple[str, Schema]]:
    """By status: success, and then what can go wrong. Operations without a caller show their answer when they fail."""
    ok, *others = route.statuses
    yield str(ok), _success(route, ok)
    failures = {*route.failures, *(_WITH_A_BODY if has_body else ())}
    for status in sorted(failures):
        its_own = route.answer.view is ReadinessView and status in others
        yield str(status), _success(route, status) if its_own else {"$ref": f"#/components/responses/{_name(status)}"}


def _success(route: Route, status: int) -> Schema:
    view = route.answer.view
    [item] = get_args(view) or [view]
    described: Schema = {
        "description": HTTPStatus(status).phrase,
        "headers": _headers("X-Request-ID", *route.answer.headers),
    }
    if item is str:
        described["content"] = {"text/plain": {"schema": {"type": "string"}, "example": examples.METRICS}}
    elif item is EventStream:
        described["description"] = "A stream that goes on until one side ends it. `asyncapi.json` says what it carries."
        described["content"] = {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": example_frames.every_type()["question:upvoted"].decode(),
            }
        }
    elif item is not None:
        schema = ref(item.__name__)
        schema = schema if item is view else {"type": "array", "items": schema}
        described["content"] = {"application/json": {"schema": schema}}
    return described


def _problem(status: int) -> Schema:
    family = next((each for each, its in STATUS.items() if its == status and each is not PulseStageError), None)
    sentence = (inspect.getdoc(family) or "").partition("\n")[0] if family else examples.PROBLEMS[status].detail
    named = " or ".join(f"`{code}`" for code in codes()[status])
    # What the server itself has brought about says when it will be over.
    headers = ("X-Request-ID", "Retry-After") if status in {429, 503} else ("X-Request-ID",)
    content = {"schema": ref(Problem.__name__), "example": to_builtins(examples.PROBLEMS[status])}
    return {
        "description": f"{sentence} `code` is {named}.",
        "headers": _headers(*headers),
        "content": {"application/problem+json": content},
    }


def _name(status: int) -> str:
    """What the document calls the problems of a status: `NotFound` for 404."""
    return codes()[status][0].title().replace("_", "")


def _headers(*names: str) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _schemas(bodies: dict[str, Schema]) -> Iterator[tuple[str, Schema]]:
    """All that is named: the bodies of requests, what answers show, and the codes of problems."""
    for name, body in bodies.items():
        if name not in {"HTTPValidationError", "ValidationError"}:  # FastAPI's own, which are not sent here
            yield name, {**body, "properties": {each: _plain(member) for each, member in body["properties"].items()}}
    views = {item for route in TABLE for item in get_args(route.answer.view) or [route.answer.view]}
    structs = {each for each in views if isinstance(each, type) and issubclass(each, Struct)}
    for name, schema in schemas.of_structs(sorted({*structs, Problem}, key=lambda each: each.__name__)).items():
        if name == Problem.__name__:
            every = sorted({code for each in codes().values() for code in each})
            schema["properties"]["code"] = {"type": "string", "title": "ProblemCode", "enum": every}
        yield name, {**schema, "examples": [to_builtins(examples.BY_NAME[name])]}


def _plain(member: Schema) -> Schema:
    """Without the title that is only its name in other letters: generators take it for the name of a type."""
    return {key: value for key, value in member.items() if key != "title"}


def _given(parameter: Schema) -> Schema:
    """A parameter that is given: it can be missing, but it is never null."""
    given = [each for each in parameter.get("anyOf", ()) if each != {"type": "null"}]
    if len(given) == 1:
        parameter = {**parameter, **given[0]}
        del parameter["anyOf"]
    return {key: value for key, value in _plain(parameter).items() if key != "description"}
