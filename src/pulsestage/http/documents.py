"""The API described: OpenAPI at `/openapi.json`, rendered at `/docs` without asking anybody on the internet.

What streams carry has a document of its own, AsyncAPI at `/asyncapi.json`, which `http/asyncapi.py` makes. Answers are
encoded from the services' views, so their schemas are made from the same structs.
"""

from __future__ import annotations

from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import msgspec
from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from pulsestage.http import asyncapi
from pulsestage.http.errors import Problem

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
[asyncapi.json](asyncapi.json) describes what the stream carries."""

_REF = "#/components/schemas/{name}"
_shown: set[type[msgspec.Struct]] = {Problem}

_ID = "0192f0c1-7a3e-7c64-9d0b-2f6a1c8e4b5d"
_TIME = "2026-03-02T09:15:00.000Z"
_TAG = {"id": _ID, "name": "Strategy", "color": "#3B82F6"}
EXAMPLES: dict[str, dict[str, Any]] = {
    "QuestionView": {
        "id": _ID,
        "tenantId": _ID,
        "teamId": None,
        "body": "When does the new office open?",
        "upvotes": 15,
        "status": "OPEN",
        "responseText": None,
        "respondedAt": None,
        "createdAt": _TIME,
        "updatedAt": _TIME,
        "isPinned": False,
        "pinnedAt": None,
        "isFrozen": False,
        "frozenAt": None,
        "tags": [_TAG],
        "hasUpvoted": True,
        "isMine": False,
    },
    "TagView": {**_TAG, "tenantId": _ID, "description": None, "createdAt": _TIME},
    "TeamView": {
        "id": _ID,
        "tenantId": _ID,
        "name": "Engineering",
        "slug": "engineering",
        "description": None,
        "isActive": True,
        "createdAt": _TIME,
    },
    "TenantView": {
        "id": _ID,
        "slug": "acme",
        "name": "Acme",
        "settings": {"questionMinLength": 3, "questionMaxLength": 2000, "guestRole": "member"},
    },
    "SessionView": {"tenantId": _ID, "tenantSlug": "acme", "role": "member", "isGuest": True, "can": ["ask", "vote"]},
    "TicketView": {"ticket": "WyIwMTkyZjBjMS1…", "expiresAt": _TIME},
    "Problem": {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "A moderator froze this question; it takes neither votes nor an answer until it is unfrozen.",
        "code": "question_frozen",
        "error": "Question is frozen",
    },
}


def shows(view: Any, *statuses: int) -> dict[int | str, dict[str, Any]]:  # noqa: ANN401 - see below
    """For a route's `responses`: the first status shows this view, the others a problem.

    A view is a struct, a list of one, an example of an object or of a text, or None for no content.
    """
    ok, *problems = statuses
    described: dict[int | str, dict[str, Any]] = {ok: _success(view, ok)}
    for status in problems:
        described[status] = _failure(status)
    return described


def stream_documentation() -> dict[int | str, dict[str, Any]]:
    """For the stream routes' `responses`."""
    example = (
        'id: 7f3a.1042\ndata: {"type":"question:upvoted","tenantId":"…","data":{"questionId":"…","upvotes":15}}\n\n'
    )
    stream = {"schema": {"type": "string"}, "example": example}
    ok = {"description": "A stream that goes on until one side ends it.", "content": {"text/event-stream": stream}}
    return {200: ok, **{status: _failure(status) for status in (403, 404, 422, 503)}}


def _success(view: Any, status: int) -> dict[str, Any]:  # noqa: ANN401 - as above
    described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if view is None:
        return described
    if isinstance(view, dict):
        return {**described, "content": {"application/json": {"schema": {"type": "object"}, "example": view}}}
    if isinstance(view, str):
        return {**described, "content": {"text/plain": {"schema": {"type": "string"}, "example": view}}}
    [item] = get_args(view) or [view]
    _shown.add(item)
    schema: dict[str, Any] = {"$ref": _REF.format(name=item.__name__)}
    example: Any = EXAMPLES.get(item.__name__)
    if item is not view:
        schema, example = {"type": "array", "items": schema}, [example]
    content = {"schema": schema} if example in (None, [None]) else {"schema": schema, "example": example}
    return {**described, "content": {"application/json": content}}


def _failure(status: int) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name=Problem.__name__)}
    return {"description": HTTPStatus(status).phrase, "content": {"application/problem+json": {"schema": schema}}}


def add_pages(app: FastAPI) -> None:
    """Let the app describe itself."""
    app.add_api_route("/docs", docs, include_in_schema=False)
    app.add_api_route("/asyncapi.json", asyncapi_document, include_in_schema=False)
    app.mount("/docs/assets", StaticFiles(directory=Path(str(files("fastapi_offline") / "static"))))

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend the document


def _describe(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=_DESCRIPTION,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    _, schemas = msgspec.json.schema_components(sorted(_shown, key=lambda each: each.__name__), ref_template=_REF)
    for name, example in EXAMPLES.items():
        schemas[name]["example"] = example
    components = document.setdefault("components", {}).setdefault("schemas", {})
    components.update(schemas)
    for unused in ("HTTPValidationError", "ValidationError"):
        components.pop(unused, None)
    for path, item in document["paths"].items():
        for operation in item.values():
            _complete(path, operation)
    return document


def _complete(path: str, operation: dict[str, Any]) -> None:
    """What is true of every operation, said once."""
    operation["responses"].setdefault("422", _failure(422))
    operation["responses"]["422"] = _failure(422)
    if "requestBody" in operation:
        operation["responses"].setdefault("400", _failure(400))
        operation["responses"].setdefault("413", _failure(413))
    if path == "/health/ready":  # says the same when it says no
        operation["responses"]["503"]["content"] = operation["responses"]["200"]["content"]
    if path.startswith(("/health", "/metrics")):
        return
    operation["responses"].setdefault("404", _failure(404))
    operation["responses"].setdefault("403", _failure(403))
    operation["responses"].setdefault("503", _failure(503))
    text = "The tenant's slug; the session's tenant or `default` if neither is given."
    operation.setdefault("parameters", []).extend(
        {"name": name, "in": place, "required": False, "description": text, "schema": {"type": "string"}}
        for name, place in (("X-Tenant-ID", "header"), ("tenantId", "query"))
    )


async def docs(request: Request) -> HTMLResponse:
    """The API's documentation, to read and to try."""
    root = request.scope.get("root_path", "")
    return get_swagger_ui_html(
        openapi_url=f"{root}/openapi.json",
        title="PulseStage API",
        swagger_js_url=f"{root}/docs/assets/swagger-ui-bundle.js",
        swagger_css_url=f"{root}/docs/assets/swagger-ui.css",
        swagger_favicon_url="data:,",
    )


async def asyncapi_document() -> Response:
    """The streams' description, for programs."""
    return Response(asyncapi.as_json(), media_type="application/json")
