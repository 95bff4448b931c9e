"""Answers: JSON as the views define it, with the headers that belong to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Request
from starlette.responses import Response

from pulsestage.http.caller import Caller, session_cookie
from pulsestage.services.tokens import Session
from pulsestage.services.wire import encode_json

if TYPE_CHECKING:
    from pulsestage.realtime import Position


def reply(
    body: Any,  # noqa: ANN401 - whatever msgspec can encode
    *,
    status: int = 200,
    position: Position | None = None,
) -> Response:
    """JSON. `position` says where in the log the answer stands."""
    headers = {"Cache-Control": "no-store"}
    if position is not None:
        headers["X-Stream-Position"] = str(position)
    return Response(encode_json(body), status, headers, media_type="application/json")


def no_content(position: Position) -> Response:
    """Done, and nothing to show."""
    return Response(status_code=204, headers={"X-Stream-Position": str(position), "Cache-Control": "no-store"})


def remember(response: Response, request: Request, caller: Caller) -> Response:
    """Give a new guest the cookie by which this server will know them again."""
    if caller.is_new:
        session = Session(caller.tenant.id, caller.actor.person_id)
        cookie = session_cookie(request, caller.tenant, caller.context.signer.seal_session(session))
        response.headers.append("Set-Cookie", cookie)
    return response
