"""Who one is: the session cookie, signing in with a link, signing out, and tickets for streams."""

from typing import Annotated

from fastapi import Request
from msgspec import Meta, Struct
from pydantic import Field
from starlette.responses import Response

from pulsestage.domain.policy import Action, Actor
from pulsestage.http.caller import Caller, caller_of, session_cookie
from pulsestage.http.parameters import Body
from pulsestage.http.replies import remember, reply
from pulsestage.services import sessions
from pulsestage.services.tokens import Session
from pulsestage.services.views import Id, RoleName, Time, iso


class SignIn(Body):
    """The token of a one-time link."""

    token: Annotated[str, Field(max_length=2000, examples=["WyIwMTkyZjBjMS1…"])]
    """What follows `#signin=` in the link."""


_ABILITIES = [action for action in Action if action is not Action.READ]
Ability = Annotated[str, Meta(title="Ability", extra_json_schema={"enum": [each.value for each in _ABILITIES]})]


class SessionView(Struct, frozen=True, rename="camel"):
    """Who one is in a tenant, and what one may do there."""

    tenant_id: Id
    tenant_slug: str
    role: RoleName
    is_guest: bool
    can: list[Ability]


class TicketView(Struct, frozen=True, rename="camel"):
    """A ticket for one stream."""

    ticket: str
    expires_at: Time


async def current(request: Request) -> Response:
    """Who one is. A browser that is new here becomes a guest and gets a cookie."""
    caller = await caller_of(request)
    return remember(reply(_view(caller, caller.actor)), request, caller)


async def sign_in(request: Request, body: SignIn) -> Response:
    """Sign in with a one-time link. Questions and votes made as a guest stay one's own."""
    caller = await caller_of(request)
    actor, session = await sessions.sign_in(caller.context, caller.tenant, caller.actor, body.token)
    response = reply(_view(caller, actor), status=201)
    cookie = session_cookie(request, caller.tenant, caller.context.signer.seal_session(session))
    response.headers.append("Set-Cookie", cookie)
    return response


async def sign_out(request: Request) -> Response:
    """Be a guest again. One's own questions and votes stay one's own, so that nobody votes twice by signing out."""
    caller = await caller_of(request)
    guest = Session(caller.tenant.id, caller.actor.person_id)
    cookie = session_cookie(request, caller.tenant, caller.context.signer.seal_session(guest))
    return Response(status_code=204, headers={"Set-Cookie": cookie, "Cache-Control": "no-store"})


async def ticket(request: Request) -> Response:
    """A one-time ticket for a stream, for clients that can't send cookies with it: `GET /sse?ticket=…`."""
    caller = await caller_of(request)
    text, expires_at = sessions.make_ticket(caller.context, caller.actor)
    return remember(reply(TicketView(text, iso(expires_at)), status=201), request, caller)


def _view(caller: Caller, actor: Actor) -> SessionView:
    can = [action.value for action in _ABILITIES if actor.may(action)]
    return SessionView(caller.tenant.id, caller.tenant.slug, actor.role.slug, actor.member_id is None, can)
