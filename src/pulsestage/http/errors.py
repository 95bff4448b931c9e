"""From an error to its answer: `application/problem+json` (RFC 9457) with a stable `code` and a short `error`."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from pulsestage.domain import errors
from pulsestage.http import web
from pulsestage.realtime import HubClosed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fastapi import FastAPI
    from starlette.requests import Request

log = logging.getLogger(__name__)

STATUS: dict[type[errors.PulseStageError], int] = {
    errors.InvalidInput: 422,
    errors.NotFound: 404,
    errors.NotAllowed: 403,
    errors.Conflict: 409,
    errors.TooManyRequests: 429,
    errors.Unavailable: 503,
    errors.PulseStageError: 500,
}
CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    414: "target_too_long",
    431: "head_too_large",
    500: "internal_error",
}
_VARIES = {"Vary": "Accept"}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every error."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    error: str
    fields: dict[str, list[str]] | msgspec.UnsetType = msgspec.UNSET

    def to_response(self, headers: Mapping[str, str] | None = None) -> Response:
        """The answer."""
        # Some problems may be kept unless this says no, 404 among them (RFC 9110, section 15.1): an asset that another
        # version has would stay missing.
        fields = {"Cache-Control": "no-store", **(headers or {})}
        return Response(msgspec.json.encode(self), self.status, fields, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Let the app answer errors with problems."""
    app.add_exception_handler(errors.PulseStageError, _domain_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(HubClosed, _closing)


def status_of(error: type[errors.PulseStageError]) -> int:
    """The status of a kind of error: that of the family it belongs to."""
    return next(STATUS[cls] for cls in error.__mro__ if cls in STATUS)


def codes() -> dict[int, list[str]]:
    """Every code that a problem can have, by status."""
    found = {status: [code] for status, code in CODES.items()}
    for error in _family(errors.PulseStageError):
        known = found.setdefault(status_of(error), [])
        known.extend({error.code} - set(known))
    return found


def _family(error: type[errors.PulseStageError]) -> Iterator[type[errors.PulseStageError]]:
    yield error
    for child in error.__subclasses__():
        yield from _family(child)


def problem_of(error: errors.PulseStageError) -> Problem:
    """The problem that tells of an error of the domain."""
    status = status_of(type(error))
    fields = error.fields if isinstance(error, errors.InvalidInput) else msgspec.UNSET
    return Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=error.message,
        code=error.code,
        error=error.error,
        fields=fields,
    )


def problem(status: int, error: str, detail: str) -> Problem:
    """A problem that is not the domain's."""
    code = CODES.get(status) or CODES[400 if status < 500 else 500]  # noqa: PLR2004 - the two halves of errors
    return Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, code=code, error=error)


def http_problem(status: int, allowed: str | None = None) -> Problem:
    """A problem with the request as HTTP, before any use case is asked."""
    details = {
        400: "The request could not be read; send HTTP/1.1, and a body of JSON.",
        404: "There is nothing at this address; /docs lists what there is.",
        405: f"This address answers {allowed or 'other methods'}.",
        413: "The body is larger than this server takes.",
        414: "The address is longer than this server takes; ask for less, or search for a shorter text.",
        431: "The header fields are larger or more than this server takes; a browser may need to delete its cookies.",
    }
    phrase = HTTPStatus(status).phrase
    return problem(status, phrase.capitalize(), details.get(status, phrase))


def internal_error() -> Problem:
    """What a client is told of our own mistakes: nothing but that they are ours."""
    return problem(500, "Internal error", "This is a fault of the server; it has been logged under the request's id.")


async def _domain_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, errors.PulseStageError):
        raise error
    if isinstance(error, errors.Unavailable):
        _log_unavailable(error)
    retry_after = getattr(error, "retry_after_seconds", None)
    return problem_of(error).to_response({"Retry-After": str(retry_after)} if retry_after else None)


def _log_unavailable(error: errors.Unavailable) -> None:
    """What failed is an error, and has a cause outside of the domain; a limit that is reached, or a stop, has none."""
    cause = error.__cause__
    if cause is None or isinstance(cause, errors.PulseStageError):
        log.warning("refused: %s", error)
    else:
        log.error("unavailable: %s (%r)", error, cause)


async def _invalid_request(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    problems = error.errors()
    if any(each["loc"][0] == "path" for each in problems):
        # An address that can't name anything names nothing.
        return web.page_instead(request) or problem_of(errors.NotFound()).to_response(_VARIES)
    if any(each["type"] == "json_invalid" for each in problems):
        detail = f"The body is not JSON: {problems[0].get('ctx', {}).get('error', 'broken')}."
        return problem(400, "Invalid JSON", detail).to_response()
    fields: dict[str, list[str]] = {}
    for each in problems:
        fields.setdefault(_field_name(each), []).append(str(each["msg"]))
    return problem_of(errors.InvalidInput(fields)).to_response()


def _field_name(problem: dict[str, Any]) -> str:
    """`("body", "teamId")` is the field `teamId`; a body that is no object at all is `body`."""
    location = [str(part) for part in problem["loc"] if isinstance(part, str)]
    return location[-1] if location else "body"


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers or {})
    if error.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
        if page := web.page_instead(request):
            return page
        headers |= _VARIES
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = _methods_at(request)  # the router knows only the first of several routes
    return http_problem(error.status_code, headers.get("Allow")).to_response(headers)


def _methods_at(request: Request) -> str:
    """What can be done at the request's address, over all routes."""
    routes = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    return ", ".join(sorted({method for route in routes for method in getattr(route, "methods", None) or ()}))


async def _closing(_request: Request, _error: Exception) -> Response:
    stopping = errors.Unavailable("The server is stopping; connect again in a moment.")
    return problem_of(stopping).to_response({"Retry-After": "1"})
